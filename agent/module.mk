# All of the agent but its main.c, so that tests can be linked with it.
agent_src := cgroup.c container.c container_identity.c containerd_calls.c containerd_index.c kernel_features.c \
             kernel_map.c kernel_words.c pins.c rule_names.c runtime_containerd.c stream.c violation_bpf.c violation_log.c
$(call archive,agent,agent,$(agent_src))
