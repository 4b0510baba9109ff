# Policies and the objects that help to resolve them: document (YAML to trees) -> decoder (trees to structs, by the
# tables in *_schema.c) -> object (a whole file).
policy_src := selector.c labels_pool.c findings.c policy.c target.c node.c document.c source_text.c scalar_place.c words.c decoder.c \
              policy_words.c metadata.c policy_schema.c enhance_schema.c bpf_rules_schema.c custom_resource.c \
              status_schema.c armor_profile_schema.c behavior_model_schema.c manifest.c object.c object_table.c
$(call archive,policy,lib/policy,$(policy_src))
