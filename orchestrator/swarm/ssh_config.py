"""Where a site's SSH connection goes and how: the operator's ~/.ssh/config, resolved to values."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import paramiko

from orchestrator.errors import FleetError
from orchestrator.inventory.model import Manager
from orchestrator.swarm import problems

_INCLUDE_DEPTH = 16  # as OpenSSH (readconf.c, READCONF_MAX_DEPTH)
_SECTION = re.compile(r"\s*(host|match)\b", re.IGNORECASE)
_INCLUDE = re.compile(r"\s*include[\s=]+(.+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class SshDefaults:
    """What holds where neither the inventory nor ~/.ssh/config says otherwise.

    `agent_socket` is "" without an agent.
    """

    user: str
    home: Path
    user_known_hosts: tuple[Path, ...] = ()
    global_known_hosts: tuple[Path, ...] = ()
    identity_files: tuple[Path, ...] = ()
    agent_socket: str = ""
    connect_timeout_seconds: float = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One SSH server and everything needed to get in. `jumps` are passed in their order.

    `name` is what the operator calls it; `host_key_names` are what known_hosts may call it.
    """

    name: str
    host: str
    port: int
    user: str
    host_key_names: tuple[str, ...]
    known_hosts: tuple[Path, ...]
    identity_files: tuple[Path, ...]
    identities_only: bool = False
    agent_socket: str = ""
    connect_timeout_seconds: float = 10.0
    proxy_command: str = ""
    jumps: tuple["Target", ...] = ()


def with_includes(path: Path, home: Path) -> str:
    """Return the text of an SSH configuration, its `Include` lines replaced by what they name.

    paramiko knows no Include. After an included file the section it stood in goes on
    (ssh_config(5)). A file that is not there counts as empty.
    """
    return "\n".join(_lines(path, home, 0))


def _lines(path: Path, home: Path, depth: int) -> Iterator[str]:
    if depth > _INCLUDE_DEPTH or not path.is_file():
        return
    section = "Host *"
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        include = _INCLUDE.fullmatch(line)
        if include is None:
            section = line if _SECTION.match(line) else section
            yield line
            continue
        for included in _named(include[1], home):
            yield from _lines(included, home, depth + 1)
        yield section


def _named(patterns: str, home: Path) -> Iterator[Path]:
    for pattern in patterns.replace('"', "").split():
        full = Path(pattern.replace("~", str(home), 1) if pattern.startswith("~") else pattern)
        full = full if full.is_absolute() else home / ".ssh" / full
        yield from sorted(Path(full.anchor).glob(str(full.relative_to(full.anchor))))


def resolve(site: str, text: str, manager: Manager, defaults: SshDefaults) -> Target:
    """Return where `ssh` would go for the site's manager.

    What the inventory says (user, port) wins over the configuration, as the command line does.

    Args:
        site: named in problems.
        text: the operator's SSH configuration, includes expanded.
        manager: from the inventory.
        defaults: for all that is said nowhere.

    Raises:
        FleetError: the configuration is malformed, or its jumps go in a circle.

    """
    try:
        config = paramiko.SSHConfig.from_text(text)
        target = _target(config, manager.host, defaults, ())
    except (paramiko.ConfigParseError, paramiko.CouldNotCanonicalize, ValueError) as error:
        raise FleetError(problems.config_invalid(site, "~/.ssh/config", str(error))) from error
    target = replace(target, user=manager.user or target.user)
    return _at_port(target, manager.port) if manager.port else target


def _at_port(target: Target, port: int) -> Target:
    aliased = target.host_key_names != _key_names(target.host, target.port)
    names = target.host_key_names if aliased else _key_names(target.host, port)
    return replace(target, port=port, host_key_names=names)


def _key_names(host: str, port: int) -> tuple[str, ...]:
    # OpenSSH looks a key on another port up as [host]:port first, then without the port
    # (sshconnect.c, check_host_key).
    return (host,) if port == paramiko.config.SSH_PORT else (f"[{host}]:{port}", host)


def _target(
    config: paramiko.SSHConfig, name: str, defaults: SshDefaults, seen: tuple[str, ...]
) -> Target:
    if name in seen:
        raise ValueError(f"ProxyJump goes in a circle: {' -> '.join((*seen, name))}")
    options = config.lookup(name)
    port = int(options.get("port", paramiko.config.SSH_PORT))
    host = options["hostname"]
    alias = options.get("hostkeyalias", "")
    jump = options.get("proxyjump", "none")
    return Target(
        name=name,
        host=host,
        port=port,
        user=options.get("user", defaults.user),
        host_key_names=(alias,) if alias else _key_names(host, port),
        known_hosts=_known_hosts(options, defaults),
        identity_files=_identity_files(options, defaults),
        identities_only=options.get("identitiesonly", "no").lower() == "yes",
        agent_socket=_agent(options, defaults),
        connect_timeout_seconds=_seconds(options, defaults),
        # paramiko keeps `ProxyCommand none` as None; ProxyJump wins over ProxyCommand here.
        proxy_command=(options.get("proxycommand") or "") if jump.lower() == "none" else "",
        jumps=_jumps(config, jump, defaults, (*seen, name)),
    )


def _jumps(
    config: paramiko.SSHConfig, chain: str, defaults: SshDefaults, seen: tuple[str, ...]
) -> tuple[Target, ...]:
    """Return the hops before a host; only the first may have hops of its own (ssh -J)."""
    if chain.lower() == "none":
        return ()
    hops = [_hop(config, hop.strip(), defaults, seen) for hop in chain.split(",")]
    first, *rest = hops
    return (*first.jumps, replace(first, jumps=()), *(replace(hop, jumps=()) for hop in rest))


def _hop(
    config: paramiko.SSHConfig, hop: str, defaults: SshDefaults, seen: tuple[str, ...]
) -> Target:
    match = re.fullmatch(r"(?:ssh://)?(?:([^@]+)@)?(\[[^]]+\]|[^:@]+)(?::(\d+))?/?", hop)
    if match is None:
        raise ValueError(f"ProxyJump {hop!r} is not [user@]host[:port]")
    user, host, port = match.groups()
    target = _target(config, host.strip("[]"), defaults, seen)
    target = replace(target, user=user or target.user)
    return _at_port(target, int(port)) if port else target


def _identity_files(options: paramiko.SSHConfigDict, defaults: SshDefaults) -> tuple[Path, ...]:
    given = list(options.get("identityfile", ()))  # paramiko keeps this key as a list
    files = [Path(file) for file in given if file.lower() != "none"]
    return tuple(files) if given else defaults.identity_files


def _known_hosts(options: paramiko.SSHConfigDict, defaults: SshDefaults) -> tuple[Path, ...]:
    mine = _paths(options.get("userknownhostsfile"), defaults.user_known_hosts, defaults.home)
    all_users = _paths(
        options.get("globalknownhostsfile"), defaults.global_known_hosts, defaults.home
    )
    return (*mine, *all_users)


def _paths(value: str | None, otherwise: tuple[Path, ...], home: Path) -> tuple[Path, ...]:
    if value is None:
        return otherwise
    named = [word.replace("%d", str(home)) for word in value.replace('"', "").split()]
    absolute = [str(home) + word[1:] if word.startswith("~") else word for word in named]
    return tuple(Path(word) for word in absolute if word.lower() != "none")


def _agent(options: paramiko.SSHConfigDict, defaults: SshDefaults) -> str:
    value = options.get("identityagent", "SSH_AUTH_SOCK")
    if value.lower() == "none":
        return ""
    if value == "SSH_AUTH_SOCK":
        return defaults.agent_socket
    return str(defaults.home) + value[1:] if value.startswith("~") else str(value)


def _seconds(options: paramiko.SSHConfigDict, defaults: SshDefaults) -> float:
    value = options.get("connecttimeout", "none")
    return defaults.connect_timeout_seconds if value.lower() == "none" else float(value)
