# varmorctl: one file a command.
ctl_src := connection.c describe.c get.c status_json.c status_options.c status_table.c status_yaml.c table.c wait.c
$(call archive,ctl,ctl,$(ctl_src))
