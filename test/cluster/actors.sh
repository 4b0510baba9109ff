# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# A cluster with varmor and a shop, for the story that the tests check and for the demo: source this file, set $cluster
# to a folder, call cluster_begin.

shop=test/cluster/shop
# shellcheck disable=SC2034 # for who sources this
violations=/var/log/varmor/violations.log

k() {
    "${cluster:?}/bin/kubectl" "$@"
}

helm() {
    "$cluster/bin/helm" "$@"
}

on_node() {
    test/cluster/node run "$cluster" -- "$@"
}

# The cluster, with our images on its node. One that is up is used as it is.
cluster_begin() {
    [ -e "$cluster/vm" ] || test/cluster/node up "$cluster" "$@" || return 1
    test/cluster/node load "$cluster" build/images/*.tar
}

cluster_end() {
    test/cluster/node down "$cluster"
}

# ---- varmor ----

# Until managers lead, agents are ready and the webhook is there, as a person would wait for it.
install_varmor() {
    helm install varmor charts/varmor --namespace varmor --create-namespace --values "$shop/values.yaml" --wait --timeout 300s
}

# What a person sees when something of varmor does not come up.
show_varmor() {
    k -n varmor get pods -o wide
    k -n varmor logs -l app.kubernetes.io/component=varmor-manager --tail 15 --prefix
    k -n varmor logs -l app.kubernetes.io/component=varmor-agent --tail 15 --prefix
}

# ---- the shop ----

open_shop() {
    k create namespace shop &&
        k -n shop create configmap share --from-file=test/demo/attack --from-file=test/demo/server.py --from-file=test/node/attacks.py &&
        k apply -f "$shop/shop.yaml" && rolled_out
}

rolled_out() {
    k -n shop rollout status deployment/web --timeout 180s
}

# The newest pod of the shop that is not on its way out.
web_pod() {
    k -n shop get pods -l app=web --sort-by=.metadata.creationTimestamp -o json |
        jq -r '[.items[] | select(.metadata.deletionTimestamp == null)] | last | .metadata.name'
}

in_web() {
    k -n shop exec "$(web_pod)" -- "$@"
}
