"""Whether a server is who it should be, by what known_hosts says of it."""

import shlex
from collections.abc import Iterable
from pathlib import Path

import paramiko

from orchestrator.errors import FleetError, Problem
from orchestrator.swarm import known_hosts, problems
from orchestrator.swarm.known_hosts import KnownKey, UnreadableLineError
from orchestrator.swarm.ssh_config import Target

_SIGNATURES = {"ssh-rsa": ("rsa-sha2-512", "rsa-sha2-256")}
"""RSA keys sign with SHA-2 only (paramiko 5 has dropped SHA-1)."""


def known_keys(site: str, target: Target) -> tuple[KnownKey, ...]:
    """Return the keys that are recorded for a server.

    Raises:
        FleetError: a line that may forbid a key cannot be read (exit code 12).

    """
    try:
        return known_hosts.known_keys(target.host_key_names, target.known_hosts)
    except UnreadableLineError as error:
        raise FleetError(
            problems.known_hosts_unreadable(site, error.file, error.number, str(error))
        ) from error


def preferred_types(known: Iterable[KnownKey], offered: Iterable[str]) -> tuple[str, ...]:
    """Return the host key algorithms to offer, those first whose key is known.

    Else a server with several keys would be free to show one that nobody has recorded.
    """
    names = [entry.key.get_name() for entry in known if not entry.revoked]
    wanted = [sig for name in names for sig in _SIGNATURES.get(name, (name,))]
    offered = tuple(offered)
    return tuple(dict.fromkeys([name for name in wanted if name in offered] + list(offered)))


def verify(site: str, target: Target, key: paramiko.PKey, known: tuple[KnownKey, ...]) -> None:
    """Accept the server's key, or not.

    Raises:
        FleetError: the key is unknown, another one than recorded, or revoked (exit code 12), or
            smaller than the operator's configuration allows (11).

    """
    shown = _described(key)
    if too_small(target, key):
        words = f"RequiredRSASize {target.least_rsa_bits}: the server shows {shown}"
        raise FleetError(problems.config_invalid(site, "~/.ssh/config", f"{words}, a smaller one"))
    if any(entry.revoked and entry.key == key for entry in known):
        raise FleetError(problems.host_key_revoked(site, target.name, shown))
    trusted = [entry for entry in known if not entry.revoked]
    if not any(entry.key == key for entry in trusted):
        raise FleetError(_refusal(site, target, key, trusted))


def too_small(target: Target, key: paramiko.PKey) -> bool:
    """Tell whether a key, the server's or ours, is an RSA key of too few bits."""
    return key.get_name() == "ssh-rsa" and key.get_bits() < target.least_rsa_bits


def _refusal(site: str, target: Target, key: paramiko.PKey, trusted: list[KnownKey]) -> Problem:
    if not trusted:
        commands = _commands(target, key, remove_from=None)
        return problems.host_key_unknown(site, target.name, _described(key), commands)
    recorded = next((e for e in trusted if e.key.get_name() == key.get_name()), trusted[0])
    known = f"{_described(recorded.key)} in {recorded.file}"
    commands = _commands(target, key, remove_from=recorded.file)
    return problems.host_key_changed(site, target.name, _described(key), known, commands)


def _described(key: paramiko.PKey) -> str:
    return f"{key.algorithm_name} {key.fingerprint}"


def _commands(target: Target, key: paramiko.PKey, *, remove_from: Path | None) -> str:
    """Return how to check the key with someone who knows, and then how to record it."""
    name = shlex.quote(target.host_key_names[0])
    host = shlex.quote(target.host)
    file = remove_from or (target.known_hosts[0] if target.known_hosts else "~/.ssh/known_hosts")
    scan = f"ssh-keyscan -p {target.port} -t {_scan_type(key)} {host}"
    if target.host_key_names[0] not in (target.host, f"[{target.host}]:{target.port}"):
        scan += f" | sed s/^[^[:space:]]*/{name}/"
    there = "(there: ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub)"
    steps = [
        f"ask the site's administrators for the fingerprint {there}",
        f"compare: {scan} | ssh-keygen -lf -",
    ]
    if remove_from:
        steps.append(f"only if it is the same: ssh-keygen -R {name} -f {file}")
    steps.append(f"{'then' if remove_from else 'only if it is the same'}: {scan} >> {file}")
    return "; ".join(steps)


def _scan_type(key: paramiko.PKey) -> str:
    return {"ssh-ed25519": "ed25519", "ssh-rsa": "rsa"}.get(key.get_name(), "ecdsa")
