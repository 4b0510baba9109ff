# varmorctl: one file a command; command.c is their table.
ctl_src := builtin_view.c command.c completion.c connection.c crds.c describe.c disks.c expectations.c \
           explain.c field_page.c field_path.c field_text.c get.c inputs.c judges.c openapi.c policy_set.c \
           question.c render.c render_bpf.c status_json.c status_options.c status_table.c status_yaml.c \
           syscall_check.c table.c test.c test_case.c test_output.c text.c validate.c validate_report.c wait.c
ctl_lib := ctl profiles apparmor seccomp proto rpc ruleset policy match base
ctl_pkg := openssl libseccomp libnghttp2 libevent libprotobuf-c jansson yaml-0.1
$(call archive,ctl,ctl,$(ctl_src))
$(call binary,varmorctl,ctl,main.c,$(ctl_lib),$(ctl_pkg))
