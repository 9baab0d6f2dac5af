# The lab, used by one script at a time. Sourced.
# shellcheck shell=bash

lab_in_use=/run/dtdeploy-lab.in-use

# Two at once would spoil each other's times. The lock is held for as long as the script
# lives; `lab` keeps it from the lab's daemons, which live longer.
wait_for_lab() {
    exec 8>> "$lab_in_use"
    if ! flock --nonblock 8; then
        say "waiting for another scripts/try or scripts/test to be done with the lab"
        flock 8
    fi
}

lab() {
    .venv/bin/python -m lab "$@" 8>&-
}

# Take down the lab in $DTDEPLOY_LAB_DIR and those inside: each of pytest's processes has one there
# (tests/conftest.py), and a test that needs one of its own has it inside that.
take_labs_down() {
    local folder status=0
    for folder in "$DTDEPLOY_LAB_DIR"{,/gw*}{,/own}; do
        [[ ! -d $folder ]] || DTDEPLOY_LAB_DIR=$folder lab down || status=1
    done
    return "$status"
}
