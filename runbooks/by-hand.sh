# restart --all, without dtdeploy. Made from the inventory; nothing was
# looked at. Type it line by line, in one bash, zsh or sh, where ssh and git work.
# Each line waits for what it is for, and ends with 0. Where one does not: STOP there,
# mend what it says, and type that line again. The runbook is by-hand.
# FIRST ANNOUNCE IT: datatrail@chime goes down.

# 1/23  This shell: a folder to work in, and what the lines below mean. In a new shell: again
cd "$(mktemp -d)"
on() { ssh -n -o ConnectTimeout=10 -o ServerAliveInterval=5 "$@"; }
into() { ssh -o ConnectTimeout=10 -o ServerAliveInterval=5 "$@"; }
ready() { on "$1" "s=$2; n=$3; l='${4:--}'; "'nodes=$(docker node ls --format "{{.Hostname}} {{.Status}}") && echo "$nodes" && r=$(echo "$nodes" | sed -n "s/ Ready$/|/p" | tr -d "\n")- && { ! for t in $(echo $s | tr , " "); do docker stack ps --format "{{.Node}} {{.CurrentState}} {{.Name}}" $t 2>&1 | grep -Eiv "^[^ ]* (complete|shutdown|failed|rejected|orphaned|remove)|^nothing found in stack"; done | grep -Ev "^ |^($r|$l) " || { echo "they may run on, where nobody sees it: bring the node back; or, if its machine is off for certain, have this list made anew with --accept-lost NODE@SITE --because TEXT" >&2; false; }; }'; }
gone() { on "$1" "s=$2; n=$3; l='${4:--}'; "'of=label=com.docker.stack.namespace=$s; left=$(docker service ls -q -f $of && docker ps -q -f $of) && { [ -z "$left" ] || { echo "$s: $left"; false; }; } && { a=$(docker node ls --format "{{.Hostname}} {{.Status}}" | sed -n "/ Ready$/!s/ .*//p" | grep -Ex "$l" | tr "\n" "|")-; ! docker stack ps --format "{{.Node}} {{.CurrentState}} {{.Name}}" $s 2>&1 | grep -Eiv "^[^ ]* (complete|shutdown|failed|rejected|orphaned|remove)|^nothing found in stack" | grep -qEv "^($a) "; }'; }
rm_services() { on "$1" "s=$2; n=$3; l='${4:--}'; "'of=label=com.docker.stack.namespace=$s; ids=$(docker service ls -q -f $of) && [ -z "$ids" ] || docker service rm $ids'; }
wait_ended() { on "$1" "s=$2; n=$3; l='${4:--}'; "'until { a=$(docker node ls --format "{{.Hostname}} {{.Status}}" | sed -n "/ Ready$/!s/ .*//p" | grep -Ex "$l" | tr "\n" "|")-; ! docker stack ps --format "{{.Node}} {{.CurrentState}} {{.Name}}" $s 2>&1 | grep -Eiv "^[^ ]* (complete|shutdown|failed|rejected|orphaned|remove)|^nothing found in stack" | grep -qEv "^($a) "; }; do [ $((n=n-1)) -gt 0 ] || { echo "$s: waited in vain, stop here" >&2; exit 1; }; sleep 1; done'; }
rm_rest() { on "$1" "s=$2; n=$3; l='${4:--}'; "'of=label=com.docker.stack.namespace=$s; until { docker stack rm $s; left=$(docker service ls -q -f $of && docker ps -q -f $of && docker network ls -q -f $of && docker secret ls -q -f $of && docker config ls -q -f $of) && { [ -z "$left" ] || { echo "$s: $left"; false; }; }; }; do [ $((n=n-1)) -gt 0 ] || { echo "$s: waited in vain, stop here" >&2; exit 1; }; sleep 1; done'; }
wait_running() { on "$1" "s=$2; n=$3; l='${4:--}'; "'until counts=$(docker stack services --format {{.Replicas}} $s) && [ -n "$counts" ] && ! echo "$counts" | grep -qv "^\([0-9]*\)/\1\( .*\)*$"; do [ $((n=n-1)) -gt 0 ] || { echo "$s: waited in vain, stop here" >&2; exit 1; }; sleep 1; done'; }
same_tasks() { on "$1" "s=$2; n=$3; l='${4:--}'; "'a=$(docker stack ps -q -f desired-state=running $s) && sleep $n && [ -n "$a" ] && [ "$a" = "$(docker stack ps -q -f desired-state=running $s)" ]'; }
pull() { on "$1" "s=$2; n=$3; l='${4:--}'; "'cd "$s" && sed -n "s/^ *image: *//p" "$n" | sort -u | while read -r image; do eval "docker pull -q $image" || exit 1; done'; }

# 2/23  Keep dtdeploy away. If it says that the config exists, a run holds the lock: stop
echo "by hand, $USER" | into frb-vsop.chime 'docker config create dtdeploy.run -'

# 3/23  Every manager answers; nothing that goes down was last on a node that is not Ready
ready frb-vsop.chime datatrail,datatrail-client,datatrail-daemons
ready outrigger_buffer.chime datatrail-client
ready aux.kko datatrail-client
ready aux.gbo datatrail-client

# 4/23  No stack of a name like datatrail* runs that nobody declared
on frb-vsop.chime 'stacks=$(docker stack ls --format {{.Name}}) && ! echo "$stacks" | grep -xE "datatrail.*" | grep -vxF -e datatrail -e datatrail-client -e datatrail-daemons'
on outrigger_buffer.chime 'stacks=$(docker stack ls --format {{.Name}}) && ! echo "$stacks" | grep -xE "datatrail.*" | grep -vxF -e datatrail -e datatrail-client -e datatrail-daemons'
on aux.kko 'stacks=$(docker stack ls --format {{.Name}}) && ! echo "$stacks" | grep -xE "datatrail.*" | grep -vxF -e datatrail -e datatrail-client -e datatrail-daemons'
on aux.gbo 'stacks=$(docker stack ls --format {{.Name}}) && ! echo "$stacks" | grep -xE "datatrail.*" | grep -vxF -e datatrail -e datatrail-client -e datatrail-daemons'

# 5/23  What is needed from outside answers
( n=10; until on frb-vsop.chime 'timeout 5 bash -c "exec 3<>/dev/tcp/frb-l4.chime/5432"'; do [ $((n=n-1)) -gt 0 ] || { echo "Datatrail's database: stop" >&2; exit 1; }; sleep 1; done )

# 6/23  The repositories, and the commits that will run: note them
git clone -q --bare ssh://git@github.com/chimefrb/datatrail datatrail.git
git -C datatrail.git log -1 --oneline main --
git clone -q --bare ssh://git@github.com/chimefrb/datatrail-admin datatrail-admin.git
git -C datatrail-admin.git log -1 --oneline main --

# 7/23  The compose files to the managers
git -C datatrail.git archive main | into frb-vsop.chime 'rm -rf by-hand/datatrail && mkdir -p by-hand/datatrail && tar -x -C by-hand/datatrail'
git -C datatrail.git archive main | into frb-vsop.chime 'rm -rf by-hand/datatrail-daemons && mkdir -p by-hand/datatrail-daemons && tar -x -C by-hand/datatrail-daemons'
git -C datatrail-admin.git archive main | into frb-vsop.chime 'rm -rf by-hand/datatrail-client && mkdir -p by-hand/datatrail-client && tar -x -C by-hand/datatrail-client'
git -C datatrail-admin.git archive main | into outrigger_buffer.chime 'rm -rf by-hand/datatrail-client && mkdir -p by-hand/datatrail-client && tar -x -C by-hand/datatrail-client'
git -C datatrail-admin.git archive main | into aux.kko 'rm -rf by-hand/datatrail-client && mkdir -p by-hand/datatrail-client && tar -x -C by-hand/datatrail-client'
git -C datatrail-admin.git archive main | into aux.gbo 'rm -rf by-hand/datatrail-client && mkdir -p by-hand/datatrail-client && tar -x -C by-hand/datatrail-client'

# 8/23  Their images, while everything still runs
pull frb-vsop.chime by-hand/datatrail/stacks server-compose.yaml
pull frb-vsop.chime by-hand/datatrail-daemons/stacks daemon-compose.yaml
pull frb-vsop.chime by-hand/datatrail-client/stacks chime-client.yaml
pull outrigger_buffer.chime by-hand/datatrail-client/stacks outrigger-buffer-client.yaml
pull aux.kko by-hand/datatrail-client/stacks kko-client.yaml
pull aux.gbo by-hand/datatrail-client/stacks gbo-client.yaml

# 9/23  Down: datatrail-daemons@chime, datatrail-client@chime, datatrail-client@outrigger-buffer, datatrail-client@kko, datatrail-client@gbo
rm_services frb-vsop.chime datatrail-daemons
rm_services frb-vsop.chime datatrail-client
rm_services outrigger_buffer.chime datatrail-client
rm_services aux.kko datatrail-client
rm_services aux.gbo datatrail-client

# 10/23  Wait until none of their tasks runs
wait_ended frb-vsop.chime datatrail-daemons 120
wait_ended frb-vsop.chime datatrail-client 120
wait_ended outrigger_buffer.chime datatrail-client 120
wait_ended aux.kko datatrail-client 120
wait_ended aux.gbo datatrail-client 120

# 11/23  Only now the rest of them; earlier it costs network addresses
rm_rest frb-vsop.chime datatrail-daemons 120
rm_rest frb-vsop.chime datatrail-client 120
rm_rest outrigger_buffer.chime datatrail-client 120
rm_rest aux.kko datatrail-client 120
rm_rest aux.gbo datatrail-client 120

# 12/23  Nothing that needs datatrail@chime runs: look once more, everywhere
gone frb-vsop.chime datatrail-daemons
gone frb-vsop.chime datatrail-client
gone outrigger_buffer.chime datatrail-client
gone aux.kko datatrail-client
gone aux.gbo datatrail-client

# 13/23  Down: datatrail@chime
rm_services frb-vsop.chime datatrail

# 14/23  Wait until none of their tasks runs
wait_ended frb-vsop.chime datatrail 120

# 15/23  Only now the rest of them; earlier it costs network addresses
rm_rest frb-vsop.chime datatrail 120

# 16/23  datatrail@chime: nothing of it is there. If it is, leave it out or take it down
gone frb-vsop.chime datatrail

# 17/23  Up: datatrail@chime
on frb-vsop.chime 'cd by-hand/datatrail/stacks && docker stack deploy -c server-compose.yaml --with-registry-auth datatrail'

# 18/23  Wait until healthy: datatrail@chime
wait_running frb-vsop.chime datatrail 300
( n=300; until on frb-vsop.chime 'curl -sS -m 5 -f http://127.0.0.1:8001/health/check' | python3 -c 'import json, sys; a = json.load(sys.stdin); sys.exit(not (a["status"] == "ok" and a["checks"]["database"]["status"] == "ok" and a["checks"]["api"]["status"] == "ok"))'; do [ $((n=n-1)) -gt 0 ] || { echo "datatrail@chime: server health does not answer well: stop here" >&2; exit 1; }; sleep 1; done )

# 19/23  datatrail-daemons@chime, datatrail-client@chime, datatrail-client@outrigger-buffer, datatrail-client@kko, datatrail-client@gbo: nothing of it is there. If it is, leave it out or take it down
gone frb-vsop.chime datatrail-daemons
gone frb-vsop.chime datatrail-client
gone outrigger_buffer.chime datatrail-client
gone aux.kko datatrail-client
gone aux.gbo datatrail-client

# 20/23  Up: datatrail-daemons@chime, datatrail-client@chime, datatrail-client@outrigger-buffer, datatrail-client@kko, datatrail-client@gbo
on frb-vsop.chime 'cd by-hand/datatrail-daemons/stacks && docker stack deploy -c daemon-compose.yaml --with-registry-auth datatrail-daemons'
on frb-vsop.chime 'cd by-hand/datatrail-client/stacks && docker stack deploy -c chime-client.yaml --with-registry-auth datatrail-client'
on outrigger_buffer.chime 'cd by-hand/datatrail-client/stacks && docker stack deploy -c outrigger-buffer-client.yaml --with-registry-auth datatrail-client'
on aux.kko 'cd by-hand/datatrail-client/stacks && docker stack deploy -c kko-client.yaml --with-registry-auth datatrail-client'
on aux.gbo 'cd by-hand/datatrail-client/stacks && docker stack deploy -c gbo-client.yaml --with-registry-auth datatrail-client'

# 21/23  Wait until healthy: datatrail-daemons@chime, datatrail-client@chime, datatrail-client@outrigger-buffer, datatrail-client@kko, datatrail-client@gbo
wait_running frb-vsop.chime datatrail-daemons 300
wait_running frb-vsop.chime datatrail-client 300
wait_running outrigger_buffer.chime datatrail-client 300
wait_running aux.kko datatrail-client 300
wait_running aux.gbo datatrail-client 300

# 22/23  The same tasks keep running
same_tasks frb-vsop.chime datatrail 10
same_tasks frb-vsop.chime datatrail-daemons 10
same_tasks frb-vsop.chime datatrail-client 10
same_tasks outrigger_buffer.chime datatrail-client 10
same_tasks aux.kko datatrail-client 10
same_tasks aux.gbo datatrail-client 10

# 23/23  Let dtdeploy act again
on frb-vsop.chime 'docker config rm dtdeploy.run'
