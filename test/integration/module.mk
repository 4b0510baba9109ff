# Programs of the integration tests, run by the script beside each.
$(call program,test/containerd_watch,test/integration/containerd/watch.c,agent containerd policy rpc base,libnghttp2 libevent libevent_openssl openssl jansson)
