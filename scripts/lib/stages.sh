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

# Interrupt what runs, and leave nothing of it. Whoever runs this script in the background may
# have made everything below it deaf to interrupts, hence the second signal.
stop_child() {
    if [[ -z $child ]]; then
        return 0
    fi
    signal_and_wait INT 20 || signal_and_wait TERM 5 || :
    kill -KILL -- "-$child" 2> /dev/null || :
    child=''
    note STOPPED
}

signal_and_wait() {
    local signal=$1 tenths=$(($2 * 10))
    kill "-$signal" -- "-$child" 2> /dev/null || :
    while ((tenths--)); do
        kill -0 "$child" 2> /dev/null || return 0
        sleep 0.1
    done
    return 1
}

show_stages() {
    local line
    heading "stages"
    for line in ${stages[@]+"${stages[@]}"}; do
        say "$line"
    done
}
