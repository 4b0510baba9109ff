# Profiles by cases, for the unit test (golden texts) and for apparmor_parser (test/integration/apparmor).
$(call archive,apparmor_cases,test/apparmor,profile_cases.c rule_maker.c)
