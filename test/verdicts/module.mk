$(call archive,verdicts,test/verdicts,verdict_table.c)
