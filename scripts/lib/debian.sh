# Debian packages: whether they can be had here, which are missing, and installing them. Sourced.
# shellcheck shell=bash

start_policy=/usr/sbin/policy-rc.d
cluster_settings=/etc/postgresql-common/createcluster.d/dtdeploy.conf
switches=()

# Print why no Debian package can be installed here, or nothing.
why_no_packages() {
    if [[ $(uname -s) != Linux ]] || ! command -v apt-get > /dev/null; then
        say "this is no Debian-like Linux"
    elif [[ $(id -u) != 0 ]]; then
        say "you are not root"
    fi
}

# Print why the lab cannot be brought up here, or nothing.
why_no_lab() {
    local why
    why=$(why_no_packages)
    if [[ -z $why ]] && ! unshare --net --mount true 2> /dev/null; then
        why="root may not make network namespaces here"
    fi
    printf '%s' "$why"
}

# Install the packages, of those named as PROGRAM=PACKAGE, whose program the machine lacks.
set_up_programs() {
    local pair missing=() why
    for pair in "$@"; do
        PATH=$PATH:/usr/sbin:/sbin command -v "${pair%=*}" > /dev/null || missing+=("${pair#*=}")
    done
    if ((${#missing[@]})); then
        why=$(why_no_packages)
        [[ -z $why ]] || die "missing: ${missing[*]} (not installed here: $why)"
        install_packages "${missing[@]}"
    fi
}

# Install what the lab needs and the machine lacks.
set_up_lab_packages() {
    local listed missing
    listed=$(missing_lab_packages)
    if [[ -n $listed ]]; then
        mapfile -t missing <<< "$listed"
        install_packages "${missing[@]}"
    fi
}

# Judged by programs: with Docker's own packages installed, docker.io is not missing.
missing_lab_packages() {
    PYTHONPATH=. .venv/bin/python scripts/lib/missing_packages.py
}

# Asking nothing, starting no service and removing no package.
install_packages() {
    say "installing Debian packages (no service of theirs is started): $*"
    local apt=(env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300)
    hold_services_back "$@"
    # A source that is down matters only if a package comes from it, which the next line tells.
    "${apt[@]}" update > /dev/null 2>&1 || :
    quietly "${apt[@]}" -y --no-install-recommends --no-remove install "$@"
    let_services_go
}

# Debian's own switches for "start no service" and "make no database cluster", there for the
# time of the installation only; an exit trap has to call let_services_go as well. A switch
# that somebody else has set stays as it is.
hold_services_back() {
    if [[ ! -e $start_policy ]]; then
        switches+=("$start_policy")
        printf '#!/bin/sh\nexit 101\n' > "$start_policy"
        chmod 755 "$start_policy"
    fi
    if [[ " $* " == *" postgresql "* && ! -e $cluster_settings ]]; then
        switches+=("$cluster_settings")
        mkdir -p "${cluster_settings%/*}"
        printf 'create_main_cluster = false\n' > "$cluster_settings"
    fi
}

let_services_go() {
    local switch
    for switch in ${switches[@]+"${switches[@]}"}; do
        rm -f "$switch"
        if [[ $switch == "$cluster_settings" ]]; then
            rmdir --ignore-fail-on-non-empty "${switch%/*}"
        fi
    done
    switches=()
}
