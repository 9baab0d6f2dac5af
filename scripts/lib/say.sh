# Talking to whoever started the script. Sourced.
# shellcheck shell=bash

say() {
    printf '%s\n' "$*"
}

heading() {
    printf '\n==> %s\n' "$*"
}

complain() {
    printf '%s: %s\n' "$0" "$*" >&2
}

die() {
    complain "$@"
    exit 1
}

usage_error() {
    complain "$* (see $0 --help)"
    exit 64
}
