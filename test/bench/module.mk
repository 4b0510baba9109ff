# One line a program: its path below build/CONFIG, its source, the archives, the pkg-config names.
$(call program,bench/match_bench,test/bench/match_bench.c,ruleset match base policy,openssl)
