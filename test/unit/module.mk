# One line a test: the file's name without .c, the archives, the pkg-config names.
$(call unit_test,error_test,base,openssl)
$(call unit_test,addr_test,base,openssl)
$(call unit_test,base_test,base,openssl)
$(call unit_test,backoff_test,base,openssl)
$(call unit_test,loop_test,base,openssl libevent)
$(call unit_test,options_test,base,openssl)
$(call unit_test,selector_test,policy base,openssl)
