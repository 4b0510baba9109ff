# All of the agent but its main.c, so that tests can be linked with it.
agent_src := adopted_bindings.c application.c binder.c binding.c boot_clock.c cgroup.c config.c confinement.c container.c \
             container_identity.c containerd_calls.c containerd_index.c enforcer_bpf.c \
             enforcer_bpf_adopt.c enforcer_bpf_binding.c enforcer_bpf_events.c enforcer_bpf_load.c \
             enforcer_bpf_retire.c enforcer_bpf_spare.c enforcer_bpf_version.c enforcers.c exchange.c health.c holds.c \
             kernel_features.c kernel_map.c kernel_words.c libbpf_text.c manager_link.c node.c node_devices.c \
             node_enforcers.c pins.c \
             profile_slots.c program_object.c renewal.c rule_names.c runc_init.c runtime_containerd.c \
             saved_binding.c service_notify.c state_dir.c store.c stream.c violation_bpf.c \
             violation_counts.c violation_log.c
agent_src += apparmor_binary.c apparmor_compiler.c apparmor_features.c apparmor_kernel.c apparmor_label.c apparmor_message.c \
             apparmor_records.c enforcer_apparmor.c enforcer_apparmor_cleanup.c enforcer_apparmor_held.c \
             enforcer_apparmor_probe.c piped_program.c whole_file.c
agent_src += container_process.c enforcer_seccomp.c enforcer_seccomp_cleanup.c enforcer_seccomp_files.c file_folder.c \
             seccomp_record.c seccomp_runtime.c
agent_src += nri.c nri_messages.c nri_mux.c nri_session.c start_gate.c ttrpc.c
agent_src += exited_processes.c audit_counter.c audit_file.c audit_kmsg.c audit_missed.c audit_netlink.c audit_position.c audit_process.c audit_record.c audit_self_test.c \
             audit_serials.c audit_source.c audit_violations.c violation.c violation_apparmor.c violation_fold.c violation_rules.c \
             violation_seccomp.c
$(call archive,agent,agent,$(agent_src))
$(call binary,varmor-agent,agent,main.c,agent containerd proto apparmor seccomp ruleset match policy rpc base, \
        libapparmor libbpf libnghttp2 libevent libevent_openssl openssl libprotobuf-c jansson libseccomp)
# Made before it is included.
$(B)/agent/program_object.o: | $(GEN)/bpf/varmor.skel.h
$(B)/agent/exited_processes.o: | $(GEN)/bpf/exits.skel.h
