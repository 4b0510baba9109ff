$(call archive,policy,lib/policy,selector.c findings.c policy.c target.c)
