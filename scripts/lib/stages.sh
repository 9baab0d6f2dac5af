# Stages: commands with a name and a cost, of which the first to fail ends the script. Sourced.
# shellcheck shell=bash

stages=()
stage_name=''
child=''
cpu_ms=0
over_budget=()
# What a stage of scripts/test should cost at most: SECONDS CPU_SECONDS, a quarter more than it took
# alone on two cores.
declare -A budgets=(
    ["ruff check"]="10 10"
    ["ruff format"]="10 10"
    ["shellcheck"]="10 10"
    ["mypy"]="20 20"
    ["lint-imports"]="15 15"
    ["unit tests"]="260 350"
    ["unit tests, traced"]="55 75"
    ["branch coverage"]="5 5"
    ["simulation"]="130 180"
    ["browser"]="62 40"
    ["lab alone"]="80 85"
    ["lab"]="1050 1650"
    ["lab, engine 26"]="150 300"
)

# Run a command as the stage of that name. STATUS_OK=5, say, lets that exit code pass too.
stage() {
    local began=$SECONDS cpu_began status=0 wall cpu
    stage_name=$1
    shift
    heading "$stage_name"
    read_cpu
    cpu_began=$cpu_ms
    run_child "$@" || status=$?
    read_cpu
    wall=$((SECONDS - began)) cpu=$(((cpu_ms - cpu_began + 500) / 1000))
    if ((status == 0 || status == ${STATUS_OK:-0})); then
        note ok "$wall" "$cpu"
        check_budget "$wall" "$cpu"
        return
    fi
    note FAILED "$wall" "$cpu"
    complain "stage failed: $stage_name (exit code $status)"
    exit 1
}

note() {
    local cost=''
    (($# == 1)) || cost=$(printf '%6d s %6d CPU s' "$2" "$3")
    stages+=("$(printf '%-8s%-22s%s' "$1" "$stage_name" "$cost")")
}

# Read into cpu_ms what the stages so far have cost, in milliseconds of CPU.
read_cpu() {
    case $stage_name in
        # The lab's daemons outlive the command that starts them, so that nobody waits for them:
        # what the whole machine did counts.
        lab*) [[ ! -r /proc/stat ]] || { read_cpu_of_machine; return; } ;;
    esac
    read_cpu_of_children
}

read_cpu_of_children() {
    local file user system
    file=$(mktemp)
    # Not `$(times)`: a subshell has no children of its own.
    LC_ALL=C times > "$file"
    { read -r _ && read -r user system; } < "$file"
    rm -f "$file"
    cpu_ms=$(($(milliseconds "$user") + $(milliseconds "$system")))
}

# 1m2.345s -> 62345
milliseconds() {
    local seconds=${1#*m}
    seconds=${seconds%s}
    printf '%d' $((${1%m*} * 60000 + ${seconds%.*} * 1000 + 10#${seconds#*.}))
}

# The fields are user, nice, system, idle, iowait, irq, softirq, in ticks (proc_stat(5)).
read_cpu_of_machine() {
    local user nice system irq softirq
    read -r _ user nice system _ _ irq softirq _ < /proc/stat
    cpu_ms=$(((user + nice + system + irq + softirq) * 1000 / $(getconf CLK_TCK)))
}

# A stage that cost more than it should is named at the end. It does not fail: machines differ.
check_budget() {
    local limits=${budgets[$stage_name]-}
    [[ -n $limits ]] || return 0
    if (($1 > ${limits% *} || $2 > ${limits#* })); then
        over_budget+=("$stage_name took $1 s, $2 CPU s: more than ${limits% *} s, ${limits#* } CPU s")
    fi
}

# For a run that does more than budgets are meant for.
forget_budgets() {
    budgets=()
}

show_budgets() {
    local words
    for words in ${over_budget[@]+"${over_budget[@]}"}; do
        say "!! OVER BUDGET: $words"
    done
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

# Run a command COUNT times side by side, with 1, 2, ... as its last word; what each but the first
# says is shown when all are done. It fails if one of them does; an exit code that STATUS_OK lets
# pass (pytest's 5: nothing to run) is told only if it is that of all.
side_by_side() {
    local count=$1 number said children=() codes=(0)
    shift
    said=$(mktemp -d)
    for ((number = 2; number <= count; number++)); do
        "$@" "$number" > "$said/$number" 2>&1 &
        children+=($!)
    done
    "$@" 1 || codes[0]=$?
    for ((number = 2; number <= count; number++)); do
        codes+=(0)
        wait "${children[number - 2]}" || codes[number - 1]=$?
        cat "$said/$number"
    done
    rm -rf "$said"
    worst_of "${codes[@]}"
}

# The first code that STATUS_OK does not let pass; else 0, unless there is none.
worst_of() {
    local code passed=${STATUS_OK:-0}
    for code in "$@"; do
        ((code == 0 || code == ${STATUS_OK:-0})) || return "$code"
        ((code != 0)) || passed=0
    done
    return "$passed"
}

show_stages() {
    local line
    heading "stages"
    for line in ${stages[@]+"${stages[@]}"}; do
        say "$line"
    done
}
