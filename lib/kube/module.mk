# Requests to a Kubernetes API server, and what is built from them.
kube_src := kube_path.c kube_config.c kube_credentials.c kube_envelope.c kube_status.c curl_loop.c kube_transfer.c kube_client.c
kube_src += json_cutter.c kube_metadata.c kube_frames.c kube_list_protobuf.c kube_reader.c kube_versions.c kube_watch.c
kube_src += lease_record.c lease_election.c kube_lease.c
$(call archive,kube,lib/kube,$(kube_src))
