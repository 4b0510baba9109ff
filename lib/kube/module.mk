# Requests to a Kubernetes API server, and what is built from them.
$(call archive,kube,lib/kube,lease_record.c lease_election.c kube_lease.c)
