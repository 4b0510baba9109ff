# The rule files become data of the archive, in the order of their names.
profiles_data := $(sort $(wildcard profiles/base/*.yaml profiles/rules/*.yaml))

$(GEN)/profiles/data.c: profiles/embed.awk $(profiles_data)
	$(call say,EMBED,$@)
	$(Q)mkdir -p $(@D)
	$(Q)LC_ALL=C awk -f $^ > $@

$(GEN)/profiles/seccomp_data.c: profiles/embed.awk profiles/seccomp/runtime-default.yaml
	$(call say,EMBED,$@)
	$(Q)mkdir -p $(@D)
	$(Q)LC_ALL=C awk -v symbol=seccomp_base_files -f $^ > $@

EXTRA_OBJECTS_profiles := $(B)/gen/profiles/data.o $(B)/gen/profiles/seccomp_data.o
$(call archive,profiles,profiles,capability_words.c rule_yaml.c rule_yaml_bpf.c rule_yaml_seccomp.c builtin_rule.c rules.c seccomp_base.c builder.c builder_choice.c builder_bpf.c builder_egress.c builder_apparmor.c builder_children.c builder_seccomp.c builder_peers.c peers.c rule_text.c)
