# The manager: everything but main() is an archive, so that tests link it.
manager_src := object_key.c flat_copy.c folder_watch.c file_claims.c source_directory.c resolver.c affected.c policy_queue.c profile_store.c nodes.c \
               agent_exchange.c agents.c file_problems.c violation_history.c binding_tally.c event_counts.c \
               policy_status.c status.c status_view.c status_watch.c status_service.c config.c kubernetes.c manager.c
manager_src += kube_policy.c watched_policies.c watched_objects.c watched_problems.c source_kubernetes.c
manager_src += token_review.c access.c
manager_src += admission_match.c admission_patch.c admission_policy.c admission_review.c
manager_src += write_queue.c node_order.c kube_text.c kube_status_json.c kube_profile_json.c kube_writer.c kube_events.c \
               kube_armor_profiles.c kube_policies.c kube_report.c kube_agent_set.c kube_owner.c kube_endpoint.c kube_connect.c policy_removal.c
manager_src += certificate_pair.c admission_server.c
manager_src += kube_restart_plan.c kube_restarts.c
manager_src += certificate_plan.c kube_secret.c certificates.c webhook_configuration.c webhook_registration.c kube_version.c admission.c
manager_src += manager_metrics.c
manager_lib := manager kube kubernetes profiles apparmor seccomp proto rpc policy match base
manager_pkg := libcurl openssl libevent_openssl libevent libnghttp2 libprotobuf-c yaml-0.1 jansson
$(call archive,manager,manager,$(manager_src))
$(call binary,varmor-manager,manager,main.c,$(manager_lib),$(manager_pkg))
