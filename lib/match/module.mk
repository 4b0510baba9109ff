$(call archive,match,lib/match,pattern.c pattern_match.c id_table.c program.c dfa.c dfa_subset.c dfa_minimise.c dfa_pack.c automaton.c)
