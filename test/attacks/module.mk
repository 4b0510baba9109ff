# What runs in the containers of test/attacks; static, so that any root file system can hold it.
attacker_src := $(addprefix test/attacks/program/,attacker.c call_verbs.c capability_verbs.c file_verbs.c \
                mount_verbs.c network_verbs.c program_verbs.c task_verbs.c)
ALL_SOURCES += $(attacker_src)

$(B)/test/attacker: $(attacker_src) test/attacks/program/attempt.h lib/base.h
	$(call say,CC,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) -std=gnu11 $(WARNINGS) -O1 -g -static -o $@ $(attacker_src)
