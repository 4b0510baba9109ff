$(call archive,seccomp,lib/seccomp,words.c profile.c region.c block.c json_write.c json_read.c digest.c compile.c simulate.c)
