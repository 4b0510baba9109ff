# What the scripts here drive.
$(call program,test/cluster/kube_probe,test/cluster/kube_probe.c,kube rpc policy base,libcurl jansson yaml-0.1 openssl libevent)
$(call program,test/cluster/lease_holder,test/cluster/lease_holder.c,kube rpc policy base,libcurl jansson yaml-0.1 openssl libevent)
