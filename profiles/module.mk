# The rule files become data of the archive, in the order of their names.
profiles_data := $(sort $(wildcard profiles/base/*.yaml profiles/rules/*.yaml))

$(GEN)/profiles/data.c: profiles/embed.awk $(profiles_data)
	$(call say,EMBED,$@)
	$(Q)mkdir -p $(@D)
	$(Q)LC_ALL=C awk -f $^ > $@

EXTRA_OBJECTS_profiles := $(B)/gen/profiles/data.o
$(call archive,profiles,profiles,capability_words.c rule_yaml.c rule_yaml_bpf.c rule_yaml_seccomp.c builtin_rule.c rules.c builder.c builder_peers.c peers.c)
