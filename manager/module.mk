# The manager: everything but main() is an archive, so that tests link it.
manager_src := folder_watch.c file_claims.c source_directory.c
$(call archive,manager,manager,$(manager_src))
