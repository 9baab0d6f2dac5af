"""Where a site's SSH connection goes and how, by what ssh itself says of it."""

import re
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import paramiko

from orchestrator.errors import FleetError
from orchestrator.inventory.model import Manager
from orchestrator.swarm import problems
from orchestrator.swarm.ssh_options import refused
from orchestrator.swarm.ssh_program import Options, SshProgram

_NEXT_FILE = re.compile(r"\s+(?=[/~])")
_HOP = re.compile(r"(?:ssh://)?(?:([^@]+)@)?(\[[^]]+\]|[^:@]+)(?::(\d+))?/?")
_ALGORITHMS = (
    "ciphers",
    "macs",
    "kexalgorithms",
    "hostkeyalgorithms",
    "pubkeyacceptedalgorithms",
    "pubkeyacceptedkeytypes",  # its name before OpenSSH 8.5
)
_TOKEN = re.compile(r"%(.)|\$\{(\w+)\}")
_FAMILIES = {
    "any": socket.AF_UNSPEC,
    "inet": socket.AF_INET,
    "inet6": socket.AF_INET6,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SshDefaults:
    """What holds where neither the inventory nor ssh's configuration says otherwise.

    `agent_socket` is "" without an agent; `environment` is what ${VARIABLE} is taken from.
    """

    home: Path
    user_known_hosts: tuple[Path, ...] = ()
    global_known_hosts: tuple[Path, ...] = ()
    identity_files: tuple[Path, ...] = ()
    agent_socket: str = ""
    connect_timeout_seconds: float = 10.0
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)


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
    algorithms: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """By option, those that may be used by what ssh says; of options it does not know, all."""
    least_rsa_bits: int = 0
    """A smaller RSA key is nobody's, neither the server's nor ours."""
    family: socket.AddressFamily = socket.AF_UNSPEC
    bind_address: str = ""
    jumps: tuple["Target", ...] = ()

    def allowed(self, *options: str) -> tuple[str, ...]:
        """Return the algorithms that the first of `options` that is said allows, () for any."""
        said = dict(self.algorithms)
        return next((said[option] for option in options if option in said), ())


def resolve(site: str, program: SshProgram, manager: Manager, defaults: SshDefaults) -> Target:
    """Return where `ssh` would go for the site's manager.

    What the inventory says (user, port) wins over the configuration, as the command line does.

    Args:
        site: named in problems.
        program: asked what applies.
        manager: from the inventory.
        defaults: for all that is said nowhere.

    Raises:
        FleetError: the configuration is malformed, asks for what is not understood here, or its
            jumps go in a circle.

    """
    try:
        way = _Way(program, defaults)
        return way.target(manager.host, manager.user, manager.port, ())
    except ValueError as error:
        raise FleetError(problems.config_invalid(site, "~/.ssh/config", str(error))) from error


def _key_names(host: str, port: int) -> tuple[str, ...]:
    # OpenSSH looks a key on another port up as [host]:port first, then without the port
    # (sshconnect.c, check_host_key).
    return (host,) if port == paramiko.config.SSH_PORT else (f"[{host}]:{port}", host)


@dataclass(frozen=True, slots=True)
class _Way:
    program: SshProgram
    defaults: SshDefaults

    def target(self, name: str, user: str, port: int, seen: tuple[str, ...]) -> Target:
        if name in seen:
            raise ValueError(f"ProxyJump goes in a circle: {' -> '.join((*seen, name))}")
        said = _Said(
            name, self.program.options(name, user, port), self.program.usual(), self.defaults
        )
        if words := refused(name, said.options, said.usual):
            raise ValueError(words)
        alias = said.one("hostkeyalias")
        jump = said.one("proxyjump", "none")
        return Target(
            name=name,
            host=said.host,
            port=said.port,
            user=said.user,
            host_key_names=(alias,) if alias else _key_names(said.host, said.port),
            known_hosts=(
                *said.paths("userknownhostsfile", self.defaults.user_known_hosts),
                *said.paths("globalknownhostsfile", self.defaults.global_known_hosts),
            ),
            identity_files=said.identity_files(),
            identities_only=said.one("identitiesonly") == "yes",
            agent_socket=said.agent(),
            connect_timeout_seconds=said.seconds(),
            proxy_command=said.command(),
            algorithms=said.algorithms(),
            least_rsa_bits=said.least_rsa_bits(),
            family=_FAMILIES[said.one("addressfamily", "any")],
            bind_address=said.one("bindaddress"),
            jumps=self.jumps(jump, (*seen, name)),
        )

    def jumps(self, chain: str, seen: tuple[str, ...]) -> tuple[Target, ...]:
        """Return the hops before a host; only the first may have hops of its own (ssh -J)."""
        if chain.lower() == "none":
            return ()
        first, *rest = [self.hop(hop.strip(), seen) for hop in chain.split(",")]
        return (*first.jumps, replace(first, jumps=()), *(replace(hop, jumps=()) for hop in rest))

    def hop(self, hop: str, seen: tuple[str, ...]) -> Target:
        match = _HOP.fullmatch(hop)
        if match is None:
            raise ValueError(f"ProxyJump {hop!r} is not [user@]host[:port]")
        user, host, port = match.groups()
        return self.target(host.strip("[]"), user or "", int(port or 0), seen)


@dataclass(frozen=True, slots=True)
class _Said:
    """What ssh said of a host; what it says of any is as good as said nowhere."""

    name: str
    options: Options
    usual: Options
    defaults: SshDefaults

    def values(self, option: str) -> tuple[str, ...]:
        """Return what is said, () where it is what ssh does anyway."""
        found = self.options.get(option, ())
        return () if found == self.usual.get(option, ()) else found

    def one(self, option: str, otherwise: str = "") -> str:
        return next(iter(self.values(option)), otherwise)

    @property
    def host(self) -> str:
        return self.options["hostname"][0]

    @property
    def port(self) -> int:
        return int(self.options["port"][0])

    @property
    def user(self) -> str:
        return self.options["user"][0]

    def identity_files(self) -> tuple[Path, ...]:
        given = self.values("identityfile")
        files = tuple(Path(self._expanded(file)) for file in given if file.lower() != "none")
        return files if given else self.defaults.identity_files

    def paths(self, option: str, otherwise: tuple[Path, ...]) -> tuple[Path, ...]:
        given = self.values(option)
        if not given:
            return otherwise
        # ssh puts no quotes around a name with blanks; the next name begins with / or ~.
        names = _NEXT_FILE.split(" ".join(given).strip())
        return tuple(Path(self._expanded(name)) for name in names if name.lower() != "none")

    def algorithms(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        # Also where it is what ssh does anyway: paramiko knows some that ssh has given up.
        said = ((option, "".join(self.options.get(option, ()))) for option in _ALGORITHMS)
        return tuple((option, tuple(names.split(","))) for option, names in said if names)

    def least_rsa_bits(self) -> int:
        # Its name is another one in the OpenSSH 8 of Red Hat.
        said = (self.options.get(option, ()) for option in ("requiredrsasize", "rsaminsize"))
        return max((int(bits) for bits, *_ in filter(None, said)), default=0)

    def agent(self) -> str:
        value = self.one("identityagent", "SSH_AUTH_SOCK")
        if value.lower() == "none":
            return ""
        if value == "SSH_AUTH_SOCK":
            return self.defaults.agent_socket
        return (
            self.defaults.environment.get(value[1:], "")
            if value[:1] == "$"
            else self._expanded(value)
        )

    def seconds(self) -> float:
        # ssh takes 0 for no deadline of its own; here each wait has one.
        value = self.one("connecttimeout", "none")
        return self.defaults.connect_timeout_seconds if value in {"none", "0"} else float(value)

    def command(self) -> str:
        value = self.one("proxycommand", "none")
        return "" if value.lower() == "none" else self._expanded(value, is_command=True)

    def _expanded(self, text: str, *, is_command: bool = False) -> str:
        """Put in what ssh puts in only once it connects (ssh_config(5), TOKENS)."""
        home = str(self.defaults.home)
        tokens = {
            "%": "%",
            "d": home,
            "h": self.host,
            "n": self.name,
            "p": str(self.port),
            "r": self.user,
            "u": self.usual["user"][0],
        }

        def put(found: re.Match[str]) -> str:
            if found[2]:
                return found[0] if is_command else self.defaults.environment.get(found[2], "")
            if found[1] not in tokens:
                raise ValueError(f"the token {found[0]} in {text!r} is not read here")
            return tokens[found[1]]

        whole = _TOKEN.sub(put, text)
        return f"{home}{whole[1:]}" if whole.startswith("~/") and not is_command else whole
