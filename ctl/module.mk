# varmorctl: one file a command; command.c is their table.
ctl_src := command.c completion.c connection.c describe.c get.c inputs.c policy_set.c rule_text.c status_json.c status_options.c \
           status_table.c status_yaml.c table.c text.c validate.c validate_report.c wait.c
$(call archive,ctl,ctl,$(ctl_src))
$(call binary,varmorctl,ctl,main.c,ctl profiles proto rpc policy match base,openssl libnghttp2 libevent libprotobuf-c jansson yaml-0.1)
