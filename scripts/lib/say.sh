# Talking to whoever started the script. Sourced.
# shellcheck shell=bash

say() {
    printf '%s\n' "$*"
}

heading() {
    printf '\n==> %s\n' "$*"
}

complain() {
    printf '%s: %s\n' "scripts/${0##*/}" "$*" >&2
}

die() {
    complain "$@"
    exit 1
}

# Run a command whose words matter only when it fails.
quietly() {
    local log status=0
    log=$(mktemp)
    "$@" > "$log" 2>&1 || status=$?
    if ((status)); then
        tail -n 40 "$log" >&2
        complain "failed with $status: $* (all it said is in $log)"
        return "$status"
    fi
    rm -f "$log"
}

usage_error() {
    complain "$* (see scripts/${0##*/} --help)"
    exit 64
}
