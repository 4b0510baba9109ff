$(call program,test/bpf_load_test,test/vm/bpf/load_test.c test/vm/bpf/kernel_side.c,base,libbpf)
