"""Ways to break the lab, each with a way back. Sites go by alias (kko), hosts by name (aux.kko)."""

from lab.faults.daemons import (
    docker_crash,
    docker_freeze,
    docker_start,
    docker_stop,
    docker_thaw,
    git_down,
    git_up,
    hostkey,
    hostkey_restore,
    postgres_down,
    postgres_freeze,
    postgres_up,
    registry_down,
    registry_login,
    registry_logout,
    registry_up,
)
from lab.faults.healing import heal
from lab.faults.network import cut, hang, network_fault, reject, slow
from lab.faults.quorum import quorum_loss, quorum_restore
from lab.faults.repos import broken, commit, force_push, image, pristine, retag, unset_variable
from lab.faults.stacks import stack, stack_remove
from lab.standins.kinds import Kind

__all__ = [
    "Kind",
    "broken",
    "commit",
    "cut",
    "docker_crash",
    "docker_freeze",
    "docker_start",
    "docker_stop",
    "docker_thaw",
    "force_push",
    "git_down",
    "git_up",
    "hang",
    "heal",
    "hostkey",
    "hostkey_restore",
    "image",
    "network_fault",
    "postgres_down",
    "postgres_freeze",
    "postgres_up",
    "pristine",
    "quorum_loss",
    "quorum_restore",
    "registry_down",
    "registry_login",
    "registry_logout",
    "registry_up",
    "reject",
    "retag",
    "slow",
    "stack",
    "stack_remove",
    "unset_variable",
]
