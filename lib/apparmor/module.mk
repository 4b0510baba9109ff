# AppArmor rules: rule_text (text to tokens) -> rule_class, file_rule (tokens to values) -> profile_text.
apparmor_src := rule_text.c glob.c rule_class_tables.c rule_class.c plain_class.c said_check.c file_rule.c \
                rule_reader.c aa_class.c aa_rule.c aa_rule_write.c aa_check_target.c profile_text.c \
                aa_profile.c aa_profile_read.c aa_rules_find.c aa_write_preamble.c
$(call archive,apparmor,lib/apparmor,$(apparmor_src))
