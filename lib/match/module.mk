$(call archive,match,lib/match,pattern.c pattern_match.c)
