# All of the agent but its main.c, so that tests can be linked with it.
agent_src := binder.c binding.c cgroup.c config.c container.c container_identity.c containerd_calls.c containerd_index.c kernel_features.c \
             kernel_map.c kernel_words.c manager_link.c pins.c rule_names.c runtime_containerd.c state_dir.c store.c stream.c violation_bpf.c violation_log.c
$(call archive,agent,agent,$(agent_src))
