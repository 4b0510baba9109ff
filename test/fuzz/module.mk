# One line a fuzzer: the file's name without .c, the archives, the pkg-config names.
$(call fuzzer,containerd_fuzz,containerd policy base,openssl jansson)
$(call fuzzer,manager_message_fuzz,agent proto policy base,openssl libprotobuf-c)
$(call fuzzer,policy_fuzz,policy match base,openssl yaml-0.1 jansson)
$(call fuzzer,pattern_fuzz,match base,openssl)
$(call fuzzer,ruleset_fuzz,ruleset match base policy,openssl)
$(call fuzzer,grpc_server_fuzz,rpc base,libnghttp2 openssl libevent)
$(call fuzzer,grpc_client_fuzz,rpc base,libnghttp2 openssl libevent)
$(call fuzzer,grpc_message_fuzz,rpc base,libnghttp2 openssl libevent)
