# Kernels and images live in .cache/vm; "make clean" leaves them.
.PHONY: vm vm-selftest
vm: ## fetch the kernels of the matrix and build the node image (cached, offline after the first time)
	@test/setup vm
	@for kernel in $$(test/vm/kernel --list); do test/vm/kernel $$kernel || [ $$? -eq 77 ] || exit 1; done
	@test/vm/quick_base
	@test/vm/node_image

vm-selftest: ## show that guests are what the tests count on
	@test/setup vm
	@test/vm/selftest

# For the unit test alone: guests and hosts run the static programs of test/vm/programs.
$(call archive,channel,test/vm,channel.c)

# The enforcer in guests: test/vm/enforcer/run. What runs inside a captive is alone in its root, so it is static.
$(call program,test/enforcer_vm_test,test/vm/enforcer/enforcer_test.c test/vm/enforcer/agent_side.c \
        test/vm/enforcer/captive.c,agent ruleset match policy base,libbpf libevent jansson openssl)
$(B)/test/captive_program: test/vm/enforcer/captive_program.c
	$(call say,CC,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) -std=gnu11 $(WARNINGS) -O1 -static -D_GNU_SOURCE -o $@ $<

# Audit records in guests: test/vm/audit/run.
$(call program,test/audit_vm_test,test/vm/audit/audit_test.c test/vm/audit/bed.c, \
        agent apparmor seccomp match policy base,libbpf libevent jansson openssl libseccomp)

# The AppArmor enforcer in guests: test/vm/apparmor/run.
$(call program,test/apparmor_vm_test,test/vm/apparmor/apparmor_test.c test/vm/apparmor/agent_side.c \
        test/vm/apparmor/captive.c,agent apparmor proto ruleset match policy base,libapparmor libevent libseccomp libprotobuf-c openssl)
