# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# How the tests of the node check: $passed and $failed count, $work is a folder for what was printed.
passed=0 failed=0
work=$(mktemp -d)

# check NAME COMMAND...: one test; what it printed is shown when it fails.
check() {
    local name=$1
    shift
    if "$@" >"$work/out" 2>&1; then
        passed=$((passed + 1))
        printf '  ok    %s\n' "$name"
    else
        failed=$((failed + 1))
        printf '  FAIL  %s\n' "$name"
        sed 's/^/        /' "$work/out"
    fi
}

# within SECONDS COMMAND...: it comes to succeed; what it printed last is shown if not.
within() {
    local seconds=$1 end
    shift
    end=$((SECONDS + seconds))
    until "$@" >"$work/within" 2>&1; do
        [ $SECONDS -lt $end ] || { cat "$work/within"; return 1; }
        sleep 1
    done
}
