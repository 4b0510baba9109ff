# One line a fuzzer: the file's name without .c, the archives, the pkg-config names.
$(call fuzzer,policy_fuzz,policy match base,openssl yaml-0.1 jansson)
