# Programs of the integration tests, run by the script beside each.
$(call program,test/containerd_watch,test/integration/containerd/watch.c,agent containerd seccomp policy rpc base,libnghttp2 libevent libevent_openssl openssl jansson)
$(call program,test/make_profiles,test/integration/apparmor/make_profiles.c,apparmor_cases apparmor policy match base,openssl)
