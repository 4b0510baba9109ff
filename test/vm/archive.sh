# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154
#
# Sourced after cache.sh: packages of any Debian release, without installing them or touching the host's
# own apt. Each release has lists and state of its own below $vm_cache/apt. Needs no root.

archive_mirror=${VARMOR_MIRROR:-http://deb.debian.org}
archive_keys=/usr/share/keyrings/debian-archive-keyring.gpg

# The sources of a release, one a line, as in sources.list.
archive_sources() {
    local suite=$1 line
    for line in "debian $suite" "debian-security $suite-security" "debian $suite-backports"; do
        # bullseye's backports are gone from the mirrors
        [ "$line" = "debian bullseye-backports" ] && continue
        printf 'deb [signed-by=%s] %s/%s main\n' "$archive_keys" "$archive_mirror" "$line"
    done
}

# archive_apt SUITE TOOL [ARG]...: runs an apt tool on the release.
archive_apt() {
    local suite=$1
    shift
    APT_CONFIG=$vm_cache/apt/$suite/apt.conf "$@"
}

# Makes the configuration and fetches the lists (again when they are older than an hour).
archive_open() {
    local suite=$1 dir=$vm_cache/apt/$1 log
    [ -f "$archive_keys" ] || unavailable "$archive_keys is missing: install debian-archive-keyring"
    mkdir -p "$dir"/{parts,preferences.d,trusted.d,lists/partial,archives/partial}
    exec {archive_lock}>"$dir/lock"
    flock "$archive_lock"
    if [ -z "$(find "$dir/fresh" -mmin -60 2>/dev/null)" ]; then
        archive_sources "$suite" >"$dir/sources.list"
        : >"$dir/status"
        # The release's own dates are checked whatever the host's configuration says: a stale index of
        # a mirror is not a release.
        cat >"$dir/apt.conf" <<EOF
Dir::Etc "$dir";
Dir::Etc::main "";
Dir::Etc::parts "$dir/parts";
Dir::Etc::sourcelist "$dir/sources.list";
Dir::Etc::sourceparts "$dir/parts";
Dir::Etc::preferencesparts "$dir/preferences.d";
Dir::Etc::trustedparts "$dir/trusted.d";
Dir::State "$dir";
Dir::State::status "$dir/status";
Dir::Cache "$dir";
APT::Architecture "amd64";
APT::Sandbox::User "";
Acquire::Languages "none";
Acquire::Check-Date "true";
Acquire::Check-Valid-Until "true";
Acquire::Retries "2";
EOF
        log=$dir/update.log
        if ! archive_apt "$suite" apt-get -qq --error-on=any update >"$log" 2>&1; then
            cat "$log" >&2
            unavailable "the package lists of $suite cannot be had from $archive_mirror"
        fi
        touch "$dir/fresh"
    fi
    exec {archive_lock}>&-
}

# archive_extract SUITE DIR PACKAGE...: downloads packages (in one go) and unpacks them into DIR.
archive_extract() {
    local suite=$1 dir=$2 debs deb
    shift 2
    debs=$(mktemp -d "$vm_cache/debs.XXXXXX")
    (cd "$debs" && archive_apt "$suite" apt-get -qq download "$@") || {
        rm -rf "$debs"
        unavailable "$* of $suite cannot be downloaded"
    }
    for deb in "$debs"/*.deb; do
        dpkg-deb -x "$deb" "$dir"
    done
    rm -rf "$debs"
}

# archive_extract_closure SUITE DIR PACKAGE...: the same, with all that the packages depend on.
archive_extract_closure() {
    local suite=$1 dir=$2 debs deb
    shift 2
    debs=$(mktemp -d "$vm_cache/debs.XXXXXX")
    mkdir -p "$debs/partial" "$dir"
    # The release's status file is empty, so everything counts as missing, and nothing is installed.
    archive_apt "$suite" apt-get -qq -y --no-install-recommends --download-only -o Debug::NoLocking=1 \
        -o Dir::Cache::archives="$debs" install "$@" >"$debs/log" 2>&1 || {
        cat "$debs/log" >&2
        rm -rf "$debs"
        unavailable "$* of $suite cannot be downloaded"
    }
    for deb in "$debs"/*.deb; do
        dpkg-deb -x "$deb" "$dir"
    done
    rm -rf "$debs"
}
