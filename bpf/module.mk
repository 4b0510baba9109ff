# The LSM programs: one object, and the skeleton that has it inside (build/gen/bpf/varmor.skel.h).
BPF_CFLAGS := --target=bpf -mcpu=v3 -O2 -g -std=gnu11 -Wall -Wextra -Werror -Wno-unused-parameter \
              -Wno-missing-declarations -I. -I/usr/include/$(shell $(CC) -dumpmachine) \
              -ffile-prefix-map=$(CURDIR)=.

$(GEN)/bpf/%.bpf.o: bpf/%.bpf.c
	$(call say,BPF,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CLANG) $(BPF_CFLAGS) -MMD -MP -MF $(@:.o=.d) -MT $@ -c -o $@ $<

$(GEN)/bpf/%.skel.h: $(GEN)/bpf/%.bpf.o
	$(call say,SKEL,$@)
	$(Q)$(BPFTOOL) gen skeleton $< name $*_bpf > $@

GENERATED += $(GEN)/bpf/varmor.skel.h
-include $(wildcard $(GEN)/bpf/*.d)

# Run in guests by test/vm/bpf/run.
$(call program,test/bpf_load_test,test/vm/bpf/load_test.c test/vm/bpf/kernel_side.c,base,libbpf)
