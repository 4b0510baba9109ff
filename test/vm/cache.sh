# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# Sourced by the scripts of test/vm: where built things are kept, and how they come to be there.
#
# What is expensive lives below $vm_cache under a name that says what it is made of. It is built in a
# folder beside its place and moved there when it is whole, under a lock: an interrupted build leaves
# nothing that looks finished, and two scripts that need the same thing build it once.

vm_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
vm_cache=${VARMOR_CACHE:-$(cd "$vm_dir/../.." && pwd)/.cache}/vm
vm_start=${EPOCHREALTIME/[.,]/}
# What cannot be had here (a kernel, the network, a tool): the test runner lists such a test as skipped.
readonly VM_UNAVAILABLE=77

say() {
    local ms=$(((${EPOCHREALTIME/[.,]/} - vm_start) / 1000))
    printf '[%3d.%01d s] %s: %s\n' $((ms / 1000)) $((ms % 1000 / 100)) "${0##*/}" "$*" >&2
}

die() {
    printf '%s: %s\n' "${0##*/}" "$*" >&2
    exit 1
}

unavailable() {
    printf '%s: not available: %s\n' "${0##*/}" "$*" >&2
    exit "$VM_UNAVAILABLE"
}

# The tools named are there, else the script ends with the way to get them.
need() {
    local tool missing=()
    for tool; do
        PATH=$PATH:/usr/sbin:/sbin command -v "$tool" >/dev/null || missing+=("$tool")
    done
    [ ${#missing[@]} -eq 0 ] || unavailable "${missing[*]} not installed: run test/setup vm as root"
}

# A number that changes with the content of the files and strings given.
digest_of() {
    local thing
    for thing; do
        if [ -f "$thing" ]; then cat "$thing"; else printf '%s\n' "$thing"; fi
    done | sha256sum | cut -c 1-12
}

# cached PATH BUILDER [ARG]...: unless PATH is there, calls the function BUILDER with a path that it must
# make (file or folder), and the arguments; then moves that to PATH. The builder may put what it does not
# keep beside it, at the same path with .work behind. PATH is below $vm_cache. Call it as a plain command,
# never in a condition: bash would then switch -e off inside the builder.
cached() {
    local path=$1 builder=$2 lock new r=0
    shift 2
    [ -e "$path" ] && return 0
    mkdir -p "${path%/*}" "$vm_cache/lock"
    lock=${path#"$vm_cache/"}
    exec {lock_fd}>"$vm_cache/lock/${lock//\//_}"
    flock "$lock_fd"
    if [ ! -e "$path" ]; then
        new=$path.new
        rm -rf "$new" "$new.work"
        set +e
        (
            set -e
            "$builder" "$new" "$@"
        ) {lock_fd}>&- # what the builder leaves running must not hold the lock
        r=$?
        set -e
        if [ $r -eq 0 ]; then mv "$new" "$path"; else rm -rf "$new"; fi
        rm -rf "$new.work"
        [ $r -eq 0 ] || [ $r -eq $VM_UNAVAILABLE ] || say "$path could not be built"
    fi
    exec {lock_fd}>&-
    return $r
}
