# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# A containerd of a test's own, in the folder $work: source this file, then find_programs, prepare_containerd,
# start_containerd. containerd and runc are taken from the machine, else from the Debian archive into .cache (not
# installed). Needs root.
# shellcheck disable=SC2016 # the waits expand in shells of their own, which timeout can end

containerd_cache=$PWD/${CACHE:-.cache}/containerd
containerd_pid=0
: "${work:=}" # the test's own; set before prepare_containerd

find_programs() {
    PATH=$PATH:$containerd_cache/usr/bin:$containerd_cache/usr/sbin
    command -v containerd >/dev/null && command -v runc >/dev/null && return
    echo "  fetching containerd and runc from the Debian archive into $containerd_cache"
    mkdir -p "$containerd_cache"
    if ! (cd "$containerd_cache" && apt-get -qq download containerd runc 2>apt.log); then
        cat "$containerd_cache/apt.log"
        return 1
    fi
    for deb in "$containerd_cache"/*.deb; do dpkg-deb -x "$deb" "$containerd_cache"; done
    command -v containerd >/dev/null && command -v runc >/dev/null
}

# Its configuration, and a root file system of busybox in $work/rootfs.
prepare_containerd() {
    cat >"$work/config.toml" <<END
version = 2
root = "$work/root"
state = "$work/state"
disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.zfs",
    "io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.devmapper"]
[grpc]
address = "$work/containerd.sock"
[ttrpc]
address = "$work/containerd.sock.ttrpc"
END
    mkdir -p "$work/rootfs/bin" && cp "$(command -v busybox)" "$work/rootfs/bin/"
    for applet in sh sleep true; do ln -s busybox "$work/rootfs/bin/$applet"; done
}

start_containerd() {
    containerd --config "$work/config.toml" >>"$work/containerd.log" 2>&1 &
    containerd_pid=$!
    await_containerd "$work/containerd.sock"
}

stop_containerd() {
    kill -KILL "$containerd_pid" 2>/dev/null
    wait "$containerd_pid" 2>/dev/null
    rm -f "$work/containerd.sock"
}

# Waits at most 10 s for a socket that answers.
await_containerd() {
    timeout 10 bash -c 'until ctr -a "$1" version >/dev/null 2>&1; do sleep 0.05; done' _ "$1" ||
        { echo "  containerd does not answer:"; tail "$work/containerd.log"; return 1; }
}

c() {
    ctr -a "$work/containerd.sock" "$@"
}

# run NAMESPACE ID [ctr's options]: a container that sleeps.
run_container() {
    local namespace=$1 id=$2
    shift 2
    c -n "$namespace" run -d --rootfs "$@" "$work/rootfs" "$id" /bin/sleep 600
}

end_container() {
    c -n "$1" task kill -s KILL "$2" && timeout 10 bash -c '
        until ctr -a "$1" -n "$2" task delete "$3" >/dev/null 2>&1; do sleep 0.05; done' _ "$work/containerd.sock" "$1" "$2"
    c -n "$1" container delete "$2"
}

# Ends every container and the containerd itself.
remove_containerd() {
    local namespace id
    for namespace in $(c namespaces ls -q 2>/dev/null); do
        for id in $(c -n "$namespace" task ls -q 2>/dev/null); do end_container "$namespace" "$id" >/dev/null 2>&1; done
    done
    kill "$containerd_pid" 2>/dev/null
    wait "$containerd_pid" 2>/dev/null
}
