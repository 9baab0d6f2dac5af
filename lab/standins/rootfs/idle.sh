#!/bin/sh
# Does nothing and needs nobody.
name=idle
. /lib/common.sh
obey
misbehave
say "started $name"
while :; do
    pause 60
done
