$(call archive,seccomp,lib/seccomp,words.c profile.c region.c multiplexer.c arches.c block.c json_write.c json_read.c digest.c compile.c simulate.c program_check.c)
