# The virtual environment `.venv`, filled from the pins in requirements/. Sourced.
# shellcheck shell=bash

# Set up .venv for `runtime` (what dtdeploy and the lab need) or `dev` (checking and testing too).
set_up_venv() {
    local set=$1
    wait_for_other_setup
    if ! stamp_is_right "$set"; then
        fill_venv "$set"
    fi
    free_other_setup
    export VIRTUAL_ENV=$PWD/.venv PATH=$PWD/.venv/bin:$PATH
    unset PYTHONPATH PYTHONHOME
}

fill_venv() {
    local set=$1 pins=(-r requirements/runtime.txt)
    if [[ $set == dev ]]; then
        pins+=(-r requirements/dev.txt)
    fi
    say "setting up .venv ($set libraries, pinned by hash)"
    make_venv
    install_into_venv --require-hashes "${pins[@]}"
    install_into_venv --no-deps --no-build-isolation --editable .
    stamp_now runtime > .venv/runtime.stamp
    if [[ $set == dev ]]; then
        stamp_now dev > .venv/dev.stamp
    fi
}

install_into_venv() {
    quietly .venv/bin/python -m pip --disable-pip-version-check --no-input install "$@"
}

# One that was moved, or whose Python is gone, is made anew.
make_venv() {
    if venv_is_sound; then
        return
    fi
    find_python
    require_ensurepip
    "$found_python" -m venv --clear .venv
}

venv_is_sound() {
    grep -qF "$PWD/.venv" .venv/bin/activate 2> /dev/null &&
        .venv/bin/python -c 'import pip, sys; sys.exit(sys.version_info < (3, 11))' 2> /dev/null
}

find_python() {
    local candidate
    for candidate in ${PYTHON:-python3 python3.13 python3.12 python3.11}; do
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2> /dev/null; then
            found_python=$candidate
            return
        fi
    done
    die "needs Python 3.11 or newer; ${PYTHON:-python3} is none (PYTHON=/path/to/python chooses)"
}

# Debian's python3 comes without what fills a virtual environment.
require_ensurepip() {
    if "$found_python" -c 'import ensurepip' 2> /dev/null; then
        return
    fi
    if [[ -z $(why_no_packages) ]]; then
        install_packages python3-venv
    fi
    "$found_python" -c 'import ensurepip' 2> /dev/null ||
        die "$found_python cannot make virtual environments: apt-get install python3-venv"
}

# What .venv was filled from, and where: the same text means there is nothing to do.
stamp_now() {
    local files=(pyproject.toml requirements/runtime.txt)
    if [[ $1 == dev ]]; then
        files+=(requirements/dev.txt)
    fi
    printf '%s\n' "$PWD" "$(.venv/bin/python -V)"
    git hash-object "${files[@]}"
}

stamp_is_right() {
    [[ -x .venv/bin/python && -f .venv/$1.stamp && $(< ".venv/$1.stamp") == "$(stamp_now "$1")" ]]
}

# macOS has no flock; there, two at once are on their own.
wait_for_other_setup() {
    exec 9< pyproject.toml
    if command -v flock > /dev/null && ! flock --nonblock 9; then
        say "waiting for another script to be done with .venv"
        flock 9
    fi
}

free_other_setup() {
    exec 9<&-
}
