# One line a test: the file's name without .c, the archives, the pkg-config names.
$(call unit_test,error_test,base,openssl)
$(call unit_test,addr_test,base,openssl)
$(call unit_test,base_test,base,openssl)
