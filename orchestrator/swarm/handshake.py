"""From a Target to an authenticated transport, through all its jump hosts, or to one problem."""

import logging
import socket
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace

import paramiko

from orchestrator.errors import FleetError, Problem
from orchestrator.swarm import host_keys, login, problems
from orchestrator.swarm.proxy_command import ProxyCommand
from orchestrator.swarm.ssh_config import Target
from orchestrator.swarm.turns import DroppedError, Turns

_KEEPALIVE_SECONDS = 10
_AGAIN_SECONDS = 0.3
_DEAD_MILLISECONDS = 20_000
"""After this long without acknowledgement the kernel gives a peer up (tcp(7))."""


class _Refusals(logging.Handler):
    """Keeps what sshd said when it refused a channel: paramiko only logs it."""

    last = ""

    def emit(self, record: logging.LogRecord) -> None:
        message = record.getMessage()
        if "open FAILED: " in message:
            self.last = message.partition("open FAILED: ")[2].rpartition(": ")[0]


@dataclass(slots=True)
class Hops:
    """The transports from here to the manager, the manager's own last."""

    transports: list[paramiko.Transport] = field(default_factory=list)
    refusals: _Refusals = field(default_factory=_Refusals)
    proxy: ProxyCommand | None = None

    @property
    def transport(self) -> paramiko.Transport:
        """The manager's own."""
        return self.transports[-1]

    @property
    def last_refusal(self) -> str:
        """What sshd said the last time that it refused a channel; or a ProxyCommand."""
        return self.refusals.last or (self.proxy.words if self.proxy else "")

    def back_to(self, number: int) -> None:
        """End all but the first `number` transports, the farthest first; and a ProxyCommand."""
        while len(self.transports) > number:
            _end(self.transports.pop())
        if self.proxy is not None and not number:
            self.proxy.close()
            self.proxy = None

    def close(self) -> None:
        """End them, the farthest first."""
        for transport in reversed(self.transports):
            _end(transport)
        if self.proxy is not None:
            self.proxy.close()


def _end(transport: paramiko.Transport) -> None:
    """Close it; one that was never started leaves its socket open otherwise."""
    transport.close()
    transport.sock.close()


def open_hops(site: str, target: Target, turns: Turns | None = None) -> Hops:
    """Connect to `target`, check its host key and log in; through its jump hosts likewise.

    A few at a time pass a jump host, and one that it drops tries again.

    Args:
        site: named in problems.
        target: where to, and through which hosts.
        turns: those at the jump hosts, shared by all sites.

    Raises:
        FleetError: site.unreachable, ssh.host-key-*, ssh.login-refused; what fails at a jump
            host names the jump host.

    """
    hops = Hops()
    with ExitStack() as undo:
        undo.callback(hops.close)
        for hop in (*target.jumps, target):
            with _named(hop, target):
                _pass(site, hop, target, hops, turns or Turns())
        undo.pop_all()
    return hops


def _pass(site: str, hop: Target, target: Target, hops: Hops, turns: Turns) -> None:
    """Get into one host. A jump host may be that of many sites: they take turns there."""
    if hop is target:
        _enter(site, hop, target, hops)
        return None
    patience = hop.connect_timeout_seconds
    ends = time.monotonic() + patience
    passed = len(hops.transports)
    while True:
        try:
            with turns.taken(site, f"{hop.host}:{hop.port}", patience + login.AGENT_SECONDS):
                return _enter(site, hop, target, hops)
        except DroppedError as error:
            if time.monotonic() >= ends:
                raise FleetError(_too_many(site, patience, error)) from error
        hops.back_to(passed)
        time.sleep(_AGAIN_SECONDS)


def _too_many(site: str, seconds: float, error: FleetError) -> Problem:
    what = f"it dropped every connection before the login, for {seconds:g} s"
    said = (evidence for problem in error.problems for evidence in problem.evidence)
    fix = "sudo sshd -T | grep -i maxstartups   # there: raise MaxStartups, or end who comes in"
    return problems.unreachable(site, what, *said, fix=fix)


def _enter(site: str, hop: Target, target: Target, hops: Hops) -> None:
    hops.transports.append(_transport(site, hop, target, hops))
    _authenticate(site, hop, hops)


@contextmanager
def _named(hop: Target, target: Target) -> Iterator[None]:
    try:
        yield
    except FleetError as error:
        if hop is target:
            raise
        raise FleetError(
            [replace(p, what=f"jump host {hop.name}: {p.what}") for p in error.problems]
        ) from error


def _transport(site: str, hop: Target, target: Target, hops: Hops) -> paramiko.Transport:
    """Return a transport of which nothing is known yet but that something answers."""
    try:
        sock = _stream(hop, target, hops)
        transport = paramiko.Transport(sock, disabled_algorithms=login.disabled(hop))
    except (socket.gaierror, UnicodeError) as error:  # UnicodeError: no name at all, as a..b
        what = f"the name {hop.host} cannot be resolved"
        raise FleetError(problems.unreachable(site, what, str(error), fix=_try(hop))) from error
    except (OSError, EOFError, paramiko.SSHException) as error:
        raise FleetError(_no_answer(site, hop, error, hops.last_refusal)) from error
    transport.set_log_channel(_logger(site, hop, hops.refusals))
    transport.banner_timeout = hop.connect_timeout_seconds
    transport.handshake_timeout = hop.connect_timeout_seconds
    transport.auth_timeout = hop.connect_timeout_seconds + login.AGENT_SECONDS
    transport.channel_timeout = hop.connect_timeout_seconds
    transport.set_keepalive(_KEEPALIVE_SECONDS)
    return transport


def _stream(hop: Target, target: Target, hops: Hops) -> socket.socket | paramiko.Channel:
    if hops.transports:
        return hops.transport.open_channel(
            "direct-tcpip",
            (hop.host, hop.port),
            ("127.0.0.1", 0),
            timeout=target.connect_timeout_seconds,
        )
    if hop.proxy_command:
        hops.proxy = ProxyCommand(hop.proxy_command)
        return hops.proxy.stream
    sock = _dialled(hop)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _DEAD_MILLISECONDS)
    return sock


def _dialled(hop: Target) -> socket.socket:
    """Return a connection to the first of the host's addresses that answers."""
    failed: list[OSError] = []
    for family, kind, number, _, address in socket.getaddrinfo(
        hop.host, hop.port, hop.family, socket.SOCK_STREAM
    ):
        sock = socket.socket(family, kind, number)
        try:
            sock.settimeout(hop.connect_timeout_seconds)
            if hop.bind_address:
                sock.bind((hop.bind_address, 0))
            sock.connect(address)
        except OSError as error:
            sock.close()
            failed.append(error)
        else:
            return sock
    raise failed[-1]


def _authenticate(site: str, hop: Target, hops: Hops) -> None:
    transport = hops.transport
    known = host_keys.known_keys(site, hop)
    options = transport.get_security_options()
    _restrict(site, hop, options)
    options.key_types = host_keys.preferred_types(known, options.key_types)
    try:
        transport.start_client(timeout=hop.connect_timeout_seconds)
        key = transport.get_remote_server_key()
    except (OSError, EOFError, paramiko.SSHException) as error:
        kind = DroppedError if _dropped(error) else FleetError
        raise kind(_no_answer(site, hop, error, hops.last_refusal)) from error
    host_keys.verify(site, hop, key, known)
    login.log_in(site, transport, hop)


def _restrict(site: str, hop: Target, options: paramiko.transport.SecurityOptions) -> None:
    """Use no other algorithm than the operator's configuration allows."""
    options.ciphers = _chosen(site, hop, "ciphers", options.ciphers)
    options.digests = _chosen(site, hop, "macs", options.digests)
    options.kex = _chosen(site, hop, "kexalgorithms", options.kex)
    options.key_types = _chosen(site, hop, "hostkeyalgorithms", options.key_types)


def _chosen(site: str, hop: Target, option: str, known: Iterable[str]) -> tuple[str, ...]:
    ours = tuple(known)
    allowed = hop.allowed(option)
    chosen = tuple(name for name in ours if name in allowed) if allowed else ours
    if not chosen:
        words = f"{option} {','.join(allowed)}: none of these is known here, but {','.join(ours)}"
        raise FleetError(problems.config_invalid(site, "~/.ssh/config", words))
    return chosen


def _dropped(error: Exception) -> bool:
    """Whether the server closed the connection instead of saying who it is (MaxStartups)."""
    early = isinstance(error, ConnectionResetError) or "protocol banner" in str(error)
    return early and not isinstance(error.__context__, TimeoutError)


def _no_answer(site: str, hop: Target, error: Exception, refusal: str) -> Problem:
    where = f"{hop.name} (port {hop.port})"
    # paramiko hides that a banner, a key exchange or a channel did not come in time.
    silent = isinstance(error.__context__, TimeoutError) or any(
        sign in str(error) for sign in ("imeout", "No existing session")
    )
    if silent or isinstance(error, TimeoutError):
        what = f"{where} does not answer within {hop.connect_timeout_seconds:g} s"
    elif isinstance(error, ConnectionRefusedError):
        what = f"{where} refuses the connection"
    elif isinstance(error, paramiko.ChannelException):
        what = f"{where} cannot be reached from the jump host"
    else:
        what = f"{where} cannot be reached"
    said = refusal or str(error) or type(error).__name__
    return problems.unreachable(site, what, said, fix=_try(hop))


def _try(hop: Target) -> str:
    return f"ssh -v -p {hop.port} {hop.user}@{hop.host} true"


def _logger(site: str, hop: Target, refusals: _Refusals) -> str:
    """Give the hop a logger of its own, which prints nothing; return its name."""
    logger = logging.getLogger(f"dtdeploy.paramiko.{site}.{hop.name}".replace("/", "_"))
    logger.handlers = [refusals]
    logger.propagate = False
    return logger.name
