# Stages: commands with a name and a time, of which the first to fail ends the script. Sourced.
# shellcheck shell=bash

stages=()
stage_name=''
child=''

# Run a command as the stage of that name. STATUS_OK=5, say, lets that exit code pass too.
stage() {
    local began=$SECONDS status=0
    stage_name=$1
    shift
    heading "$stage_name"
    run_child "$@" || status=$?
    local took="$((SECONDS - began)) s"
    if ((status == 0 || status == ${STATUS_OK:-0})); then
        note ok "$took"
        return
    fi
    note FAILED "$took"
    complain "stage failed: $stage_name (exit code $status)"
    exit 1
}

note() {
    stages+=("$(printf '%-8s%-22s%8s' "$1" "$stage_name" "${2-}")")
}

# In a process group of its own, so that a signal to this script reaches all of it.
run_child() {
    local status=0
    set -m
    "$@" 8>&- &
    child=$!
    set +m
    wait "$child" || status=$?
    child=''
    return "$status"
}

# Interrupts what runs, gives it half a minute, and leaves nothing of it.
stop_child() {
    if [[ -z $child ]]; then
        return 0
    fi
    kill -INT -- "-$child" 2> /dev/null || :
    local tenths
    for ((tenths = 0; tenths < 300; tenths++)); do
        kill -0 "$child" 2> /dev/null || break
        sleep 0.1
    done
    kill -KILL -- "-$child" 2> /dev/null || :
    child=''
    note STOPPED
}

show_stages() {
    local line
    heading "stages"
    for line in ${stages[@]+"${stages[@]}"}; do
        say "$line"
    done
}
