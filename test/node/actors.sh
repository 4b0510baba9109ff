# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# A node with manager, agent and containers, for the demo and for the tests of the node: source this file, set
# $node to a name, call node_begin. DEMO=host puts all of it on this machine.

image=varmor.test/attacker:1
policies=/etc/varmor/policies
opt=/opt/varmor

on_node() {
    if [ "${DEMO:-}" = host ]; then
        "$@"
    else
        test/vm/node run "${node:?}" -- "$@"
    fi
}

to_node() { # FILE... FOLDER
    if [ "${DEMO:-}" = host ]; then
        mkdir -p "${!#}" && cp -R "$@"
    else
        test/vm/node copy-in "$node" "$@"
    fi
}

# Boots the node (further arguments go to "test/vm/node start") and brings our programs onto it.
node_begin() {
    if [ "${DEMO:-}" = host ]; then
        [ "$(id -u)" -eq 0 ] || { echo "DEMO=host needs root" >&2; return 1; }
        if ! grep -qw bpf /sys/kernel/security/lsm 2>/dev/null; then
            echo "DEMO=host: 'bpf' is not in this kernel's LSM list ($(cat /sys/kernel/security/lsm 2>/dev/null))" >&2
            return 1
        fi
        ctr images import "$(test/images/build attacker)" >/dev/null || return 1
    else
        test/vm/node start "$node" "$@" || return 1
    fi
    on_node mkdir -p "$policies" "$opt/bin" "$opt/share" /run/varmor || return 1
    to_node build/release/bin/varmor-manager build/release/bin/varmor-agent build/release/bin/varmorctl "$opt/bin"
}

node_end() {
    if [ "${DEMO:-}" = host ]; then
        ctr tasks ls -q | grep -E '^varmor-' | while read -r container; do stop_container "$container"; done
        systemctl stop varmor-agent varmor-manager 2>/dev/null
        "$opt/bin/varmor-agent" --cleanup
    else
        test/vm/node stop "$node" >/dev/null 2>&1
    fi
}

start_service() { # NAME PROGRAM [ARGUMENT]...
    local name=$1
    shift
    on_node systemctl reset-failed "$name" 2>/dev/null || true
    on_node systemd-run --quiet --unit "$name" --property Type=simple --property Restart=no -- "$@"
}

start_manager() {
    start_service varmor-manager "$opt/bin/varmor-manager" --policies "$policies"
}

agent_options=() # of whoever sources this
start_agent() {
    start_service varmor-agent "$opt/bin/varmor-agent" --node-name "$node" "${agent_options[@]}"
}

# start_container NAME COMMAND...: in namespace "shop", pod NAME, label app=web; our share folder at /share.
start_container() {
    local name=$1
    shift
    on_node ctr run -d --label app=web --label varmor.org/namespace=shop --label "varmor.org/pod=$name" \
        --label varmor.org/container=server --mount "type=bind,src=$opt/share,dst=/share,options=rbind:ro" \
        "$image" "varmor-$name" "$@"
}

in_container() { # NAME COMMAND...
    local name=$1
    shift
    on_node ctr tasks exec --exec-id "x$RANDOM$RANDOM" "varmor-$name" "$@"
}

stop_container() { # FULL-NAME
    on_node ctr tasks delete --force "$1" >/dev/null 2>&1
    on_node ctr containers delete "$1" >/dev/null 2>&1
}

# put_policy HOST-FILE NAME: one rename into the folder, as a careful user would do it.
put_policy() {
    to_node "$1" "$opt/share" && on_node mv "$opt/share/${1##*/}" "$policies/$2"
}

ctl() {
    on_node "$opt/bin/varmorctl" "$@"
}
