# Real users of lib/rpc for test/interop/run.
$(call program,test/interop/grpc_echo_server,test/interop/grpc_echo_server.c,rpc base,libnghttp2 openssl libevent)
$(call program,test/interop/grpc_echo_client,test/interop/grpc_echo_client.c,rpc base,libnghttp2 openssl libevent)
$(call program,test/interop/nri_plugin,test/interop/nri_plugin.c,agent rpc base,libevent openssl)
