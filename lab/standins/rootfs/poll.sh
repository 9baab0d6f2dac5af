#!/bin/sh
# Asks the Datatrail server over one connection and leaves a trace when it cannot. A connection that
# ends is noticed at once, so there is no need to ask often.
name=$1
. /lib/common.sh
obey
misbehave

host=${DATATRAIL_SERVER%:*}
port=${DATATRAIL_SERVER##*:}

ask() {
    printf 'GET /health/check HTTP/1.1\r\nHost: %s\r\n\r\n' "$host" >&4 2>/dev/null || return 1
    IFS= read -r -t 5 status <&5 || return 1
    while IFS= read -r -t 5 line <&5; do
        [ "${#line}" -le 1 ] && break
    done
    IFS= read -r -t 5 body <&5
}

say "started $name"
lost=
while :; do
    dial "$host" "$port"
    while ask; do
        [ -z "$lost" ] || say "REACHED $DATATRAIL_SERVER again"
        lost=
        # Nothing comes unasked but the connection's end.
        read -r -t 2 _ <&5
    done
    say "UNREACHABLE $DATATRAIL_SERVER"
    lost=yes
    hang_up
    pause 0.5
done
