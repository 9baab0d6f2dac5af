#!/bin/sh
# The Datatrail server: answers /health/check on port 8001 and asks its database for real.
name=server
. /lib/common.sh
obey
misbehave
echo "error 0" >/tmp/database
case ${MISBEHAVE:-} in
    never-healthy | unhealthy) ;;
    *) /lib/database.sh /tmp/database & ;;
esac
say "started $name"
nc -ll -p 8001 -e /lib/answer.sh &
while :; do
    wait
done
