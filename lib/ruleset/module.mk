$(call archive,ruleset,lib/ruleset,ruleset.c image.c image_paths.c image_tasks.c image_sockets.c image_egress.c image_mounts.c port_set.c ruleset_check.c ruleset_judge.c ruleset_dump.c disk_list.c)
