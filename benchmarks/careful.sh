#!/bin/bash
# What a careful operator would write: parallel over sites, loops that look until it is so.
# Usage: careful.sh RELEASES_DIR HOST:SITE... (the first is the coordinator); run as the operator.
set -euo pipefail
repos=$1
shift
chime=${1%%:*}
label=label=com.docker.stack.namespace

on() { ssh -o BatchMode=yes "root@$1" "${@:2}"; }

gone() { # HOST STACK
  on "$1" "docker service ls -q --filter $label=$2 | xargs -r docker service rm >/dev/null
    while docker ps -q --filter $label=$2 | grep -q .; do sleep 1; done
    docker stack rm $2 >/dev/null 2>&1
    while docker network ls -q --filter $label=$2 | grep -q .; do sleep 1; done"
}

up() { # HOST STACK FILE
  on "$1" "cd ~/careful/$(basename "$repos") && docker stack deploy -c $3 --with-registry-auth $2 >/dev/null
    while docker stack services --format '{{.Replicas}}' $2 | awk -F/ '\$1 != \$2 {bad = 1} END {exit !bad}'; do sleep 1; done"
}

for pair in "$@"; do
  host=${pair%%:*}
  (on "$host" "rm -rf ~/careful && mkdir -p ~/careful/$(basename "$repos")" &&
    tar -C "$repos" -cf - . | on "$host" "tar -C ~/careful/$(basename "$repos") -xf -") &
done
wait

gone "$chime" datatrail-daemons &
for pair in "$@"; do gone "${pair%%:*}" datatrail-client & done
wait
gone "$chime" datatrail
up "$chime" datatrail datatrail/stacks/server-compose.yaml
on "$chime" "until busybox wget -qO- http://127.0.0.1:8001/health/check 2>/dev/null | grep -q '\"status\":\"ok\"'; do sleep 1; done"
up "$chime" datatrail-daemons datatrail/stacks/daemon-compose.yaml &
for pair in "$@"; do up "${pair%%:*}" datatrail-client "datatrail-admin/stacks/${pair##*:}-client.yaml" & done
wait
