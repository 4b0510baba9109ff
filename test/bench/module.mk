# One line a program: its path below build/CONFIG, its source, the archives, the pkg-config names.
$(call program,bench/match_bench,test/bench/match_bench.c,ruleset match base policy,openssl)
$(call program,bench/manager_bench,test/bench/manager_bench.c,proto rpc policy match base,openssl libevent libnghttp2 libprotobuf-c yaml-0.1 jansson)
$(call program,bench/apparmor_bench,test/bench/apparmor_bench.c,agent apparmor proto ruleset match policy base,libapparmor libevent libprotobuf-c openssl)
$(call program,bench/audit_bench,test/bench/audit_bench.c,agent apparmor seccomp match policy base,libapparmor libseccomp libevent jansson openssl)
