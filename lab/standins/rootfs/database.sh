#!/bin/sh
# Asks PostgreSQL `SELECT`, twice a second over one connection, in its own protocol (version 3),
# and writes the outcome with its time to the file named by $1.
name=database
outcome=$1
. /lib/common.sh
obey

host=${DATATRAIL_DB%:*}
port=${DATATRAIL_DB##*:}

# Each answer carries its number and a line end, so that the shell can read it.
ask() {
    number=$((number + 1))
    text=$(printf '%06d' "$number")
    printf 'Q\000\000\000\035SELECT E'"'"'alive-%s\\n'"'"'\000' "$text" >&4 2>/dev/null || return 1
    while IFS= read -r -t 4 line <&5; do
        case $line in *"alive-$text") return 0 ;; esac
    done
    return 1
}

while :; do
    number=0
    dial "$host" "$port"
    printf '\000\000\000\053\000\003\000\000user\000datatrail\000database\000datatrail\000\000' >&4 2>/dev/null
    while ask; do
        echo "ok $EPOCHSECONDS" >"$outcome"
        pause 0.5
    done
    echo "error $EPOCHSECONDS" >"$outcome"
    hang_up
    pause 0.5
done
