#!/bin/sh
# Holds a TCP connection to a site's sshd, and makes a new one when it breaks.
name=autossh_$1
host=$2
. /lib/common.sh
obey
misbehave
say "started $name"
while :; do
    dial "$host" 22
    if IFS= read -r -t 5 banner <&5; then
        say "connected to $host: $banner"
        wait "$dialled"
    fi
    say "no connection to $host"
    hang_up
    pause 1
done
