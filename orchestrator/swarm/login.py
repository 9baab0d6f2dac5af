"""Getting in: the keys the operator has, tried in a sensible order."""

import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import paramiko
from paramiko.agent import AgentSSH

from orchestrator.errors import FleetError
from orchestrator.swarm import problems
from orchestrator.swarm.host_keys import too_small
from orchestrator.swarm.ssh_config import Target

AGENT_SECONDS = 30.0
"""An agent may ask its owner to confirm or touch something."""
_MOST_KEYS = 5
"""sshd ends a connection at the sixth refused key (MaxAuthTries 6)."""


RSA_SIGNATURES = ("rsa-sha2-512", "rsa-sha2-256")


def disabled(target: Target) -> dict[str, list[str]]:
    """Return the signatures of RSA keys that the operator's configuration leaves out."""
    allowed = _allowed(target)
    return {"pubkeys": [name for name in RSA_SIGNATURES if allowed and name not in allowed]}


def _allowed(target: Target) -> tuple[str, ...]:
    return target.allowed("pubkeyacceptedalgorithms", "pubkeyacceptedkeytypes")


class SocketAgent(AgentSSH):
    """The SSH agent behind a given socket; paramiko's own finds its socket by environment."""

    def __init__(self, path: str) -> None:
        """Connect to the agent; OSError or SSHException when it does not answer."""
        super().__init__()
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.settimeout(AGENT_SECONDS)
        try:
            connection.connect(path)
            # The only way to say which socket; paramiko.Agent itself does just this.
            self._connect(connection)  # type: ignore[attr-defined] # left out of the stubs
        except (OSError, paramiko.SSHException):
            connection.close()
            raise

    def close(self) -> None:
        """Let go of the agent."""
        self._close()  # type: ignore[attr-defined] # left out of the stubs


@dataclass(frozen=True, slots=True)
class _Candidate:
    key: paramiko.PKey
    described: str


class _Keys:
    """All keys worth offering, and a word about each that cannot be."""

    def __init__(self, target: Target, agent: SocketAgent | None, notes: list[str]) -> None:
        self.target = target
        self.agent = agent
        self.notes = notes

    def candidates(self) -> list[_Candidate]:
        """Return explicit keys first, then those of the agent, each key once."""
        mine = list(self._from_files())
        if self.agent is not None:
            mine += self._from_agent(self.agent, {found.key.fingerprint for found in mine})
        return [found for found in mine if self._may_be_used(found)][:_MOST_KEYS]

    def _may_be_used(self, found: _Candidate) -> bool:
        allowed = _allowed(self.target)
        name = found.key.get_name()
        signatures = RSA_SIGNATURES if name == "ssh-rsa" else (name,)
        may = not allowed or any(one in allowed for one in signatures)
        if not may:
            self.notes.append(f"not offered: {found.described}, by PubkeyAcceptedAlgorithms")
        elif too_small(self.target, found.key):
            least = self.target.least_rsa_bits
            self.notes.append(f"not offered: {found.described}, by RequiredRSASize {least}")
            may = False
        return may

    def _from_files(self) -> Iterator[_Candidate]:
        for path in self.target.identity_files:
            key = self._load(path) if path.is_file() else None
            if key is not None:
                yield _Candidate(key, f"{path} ({key.fingerprint})")

    def _load(self, path: Path) -> paramiko.PKey | None:
        try:
            return paramiko.PKey.from_path(path)
        except (paramiko.PasswordRequiredException, TypeError):
            # cryptography says TypeError: "Password was not given but private key is encrypted"
            self.notes.append(f"{path} needs a passphrase: ssh-add {path}")
        except (paramiko.SSHException, paramiko.pkey.UnknownKeyType, ValueError, OSError) as error:
            self.notes.append(f"{path} cannot be read: {error}")
        return None

    def _from_agent(self, agent: SocketAgent, known: set[str]) -> Iterator[_Candidate]:
        named = set(self._public_blobs())
        for key in agent.get_keys():
            described = f"agent key {key.comment} ({key.fingerprint})"
            wanted = not self.target.identities_only or key.asbytes() in named
            if wanted and key.fingerprint not in known:
                yield _Candidate(key, described)

    def _public_blobs(self) -> Iterator[bytes]:
        """Yield what the .pub files beside the identity files hold (IdentitiesOnly)."""
        for path in self.target.identity_files:
            beside = path if path.suffix == ".pub" else path.with_name(path.name + ".pub")
            if beside.is_file():
                yield paramiko.pkey.PublicBlob.from_file(str(beside)).key_blob


@contextmanager
def _agent(target: Target, notes: list[str]) -> Iterator[SocketAgent | None]:
    if not target.agent_socket:
        yield None
        return
    try:
        agent = SocketAgent(target.agent_socket)
    except (OSError, paramiko.SSHException) as error:
        notes.append(f"the SSH agent does not answer: {error}")
        yield None
        return
    with closing(agent):
        yield agent


def log_in(site: str, transport: paramiko.Transport, target: Target) -> None:
    """Authenticate by public key.

    Raises:
        FleetError: every key was refused (ssh.login-refused, exit code 13), or the server
            stopped answering meanwhile (site.unreachable).

    """
    notes: list[str] = []
    with _agent(target, notes) as agent:
        candidates = _Keys(target, agent, notes).candidates()
        said = ""
        for candidate in candidates:
            said = _offer(site, transport, target, candidate)
            if not said:
                return
            notes.append(f"refused: {candidate.described}")
            if not transport.is_active():
                break
    problem = problems.login_refused(site, target.user, target.name, tuple(notes), said)
    raise FleetError(problem)


def _offer(site: str, transport: paramiko.Transport, target: Target, candidate: _Candidate) -> str:
    """Return "" when the key opened the door, else what the server said."""
    try:
        more = transport.auth_publickey(target.user, candidate.key)
    except paramiko.AuthenticationException as error:
        if "timeout" in str(error).lower():
            what = f"{target.name} stopped answering during login"
            raise FleetError(problems.unreachable(site, what, str(error))) from error
        return str(error) or "refused"
    except (paramiko.SSHException, EOFError, OSError) as error:
        return f"{type(error).__name__}: {error}"
    return f"the key alone is not enough, the server also wants: {', '.join(more)}" if more else ""
