# The LSM programs: one object, and the skeleton that has it inside (build/gen/bpf/varmor.skel.h).
BPF_CFLAGS := --target=bpf -mcpu=v3 -O2 -g -std=gnu11 -Wall -Wextra -Werror -Wno-unused-parameter \
              -Wno-missing-declarations -I. -I/usr/include/$(shell $(CC) -print-multiarch) \
              -ffile-prefix-map=$(CURDIR)=.

# A compiler that fails takes the list of headers with it; without its skeleton the object is made again.
$(GEN)/bpf/%.bpf.o: bpf/%.bpf.c
	$(call say,BPF,$<)
	$(Q)mkdir -p $(@D)
	$(Q)rm -f $(@:.bpf.o=.skel.h)
	$(Q)$(CLANG) $(BPF_CFLAGS) -MMD -MP -MF $(@:.o=.d) -MT $@ -c -o $@ $<

$(GEN)/bpf/%.skel.h: $(GEN)/bpf/%.bpf.o
	$(call say,SKEL,$@)
	$(Q)$(BPFTOOL) gen skeleton $< name $*_bpf > $@

GENERATED += $(GEN)/bpf/varmor.skel.h $(GEN)/bpf/exits.skel.h $(GEN)/bpf/walker_probe.skel.h
-include $(wildcard $(GEN)/bpf/*.d)

# Run in guests by test/vm/bpf/run. What runs inside a container is alone in its root, so it is static.
bpf_vm := test/vm/bpf/kernel_side.c test/vm/bpf/container.c
$(call program,test/bpf_tables_test,test/vm/bpf/tables_test.c $(bpf_vm),verdicts ruleset match policy base,libbpf openssl)
$(call program,test/bpf_cases_test,test/vm/bpf/cases_test.c test/vm/bpf/cases.c $(bpf_vm),verdicts ruleset match policy base,libbpf openssl)
$(call program,test/bpf_costs_test,test/vm/bpf/costs_test.c $(bpf_vm),ruleset match policy base,libbpf openssl)
$(call program,test/bpf_walker_test,test/vm/bpf/walker_test.c test/vm/bpf/kernel_side.c,verdicts ruleset match policy base,libbpf openssl)
$(B)/test/bpf_inside: test/vm/bpf/inside.c
	$(call say,CC,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) -std=gnu11 $(WARNINGS) -O1 -static -D_GNU_SOURCE -I. -o $@ $<

.PHONY: bpf-vm-programs
bpf-vm-programs: $(addprefix $(B)/test/bpf_,tables_test cases_test costs_test walker_test inside)
