"""Every way a site can fail us, as problems: one function a cause, nothing is worded elsewhere.

    site.unreachable, site.busy, ssh.config-invalid                        11
    ssh.host-key-unknown, ssh.host-key-changed, ssh.host-key-revoked,
    ssh.known-hosts-unreadable                                             12
    ssh.login-refused, ssh.look-only, docker.no-permission, registry.denied 13
    docker.not-installed, docker.not-running, docker.no-answer,
    docker.too-old, docker.unreadable, docker.refused                      11
    swarm.no-quorum, swarm.inactive, swarm.locked, swarm.not-manager,
    swarm.certificates-expired                                             11
    swarm.other-swarm                                                      20
    logs.incomplete, logs.not-kept                                         11
    answer.lost                                                            31

A Swarm without quorum is reached, yet nothing can be asked of it: it counts as unreachable.
"""

import shlex
from pathlib import Path

from orchestrator.command_line import typed
from orchestrator.errors import ExitCode, FleetError, Problem, Where
from orchestrator.swarm import dtdeploy_look


class LostAnswerError(FleetError):
    """A request was sent and its answer never came: it may or may not have been carried out."""


class LookOnlyError(FleetError):
    """The login at the manager may only look, and was asked for something else."""


def look_only(site: str, *evidence: str) -> Problem:
    """Return: the login at the site's manager lets dtdeploy look, and nothing else."""
    return Problem(
        code="ssh.look-only",
        what=f"the login at {site} may only look",
        exit_code=ExitCode.LOGIN_REFUSED,
        where=Where(site=site),
        evidence=tuple(words for words in evidence if words),
        fix=f"{typed('plan', '--all')}   # works with this login; to change anything, name a key "
        "that may for the manager: IdentityFile in ~/.ssh/config, or ssh-add",
        state_left="nothing was touched",
        runbook="add-a-site",
    )


def unreachable(site: str, what: str, *evidence: str, fix: str = "") -> Problem:
    """Return: nothing at the site answers, or no longer."""
    return Problem(
        code="site.unreachable",
        what=what,
        exit_code=ExitCode.SITE_UNREACHABLE,
        where=Where(site=site),
        evidence=tuple(words for words in evidence if words),
        fix=fix,
        runbook="site-unreachable",
    )


def busy(site: str, evidence: str) -> Problem:
    """Return: the manager's sshd grants no further session (MaxSessions, MaxStartups)."""
    return Problem(
        code="site.busy",
        what="the manager's sshd refuses another session on this connection",
        exit_code=ExitCode.SITE_UNREACHABLE,
        where=Where(site=site),
        evidence=(evidence,) if evidence else (),
        fix="raise MaxSessions in the manager's sshd_config to 10 or more, or end the commands "
        "of earlier connections that still run there (dtdeploy uses at most 6)",
        runbook="site-unreachable",
    )


def in_use(site: str, what: str, seconds: float) -> Problem:
    """Return: `what` was in use for `seconds` by others of this process, whom nothing answers."""
    return Problem(
        code="site.unreachable",
        what=f"{what} was in use for {seconds:.0f} s by others who wait for an answer of this site",
        exit_code=ExitCode.SITE_UNREACHABLE,
        where=Where(site=site),
        fix=typed("doctor", "--site", site),
        runbook="site-unreachable",
    )


def config_invalid(site: str, file: str, evidence: str) -> Problem:
    """Return: the operator's SSH configuration cannot be used for this site."""
    return Problem(
        code="ssh.config-invalid",
        what=f"{file} cannot be used for this site",
        exit_code=ExitCode.SITE_UNREACHABLE,
        where=Where(site=site),
        evidence=(evidence,),
        fix=f"correct {file}; compare with what `ssh -G HOST` says",
        runbook="site-unreachable",
    )


def login_refused(site: str, user: str, host: str, tried: tuple[str, ...], said: str) -> Problem:
    """Return: sshd accepts none of the keys; `tried` tells each by path and fingerprint."""
    return Problem(
        code="ssh.login-refused",
        what=f"{host} does not let {user} in",
        exit_code=ExitCode.LOGIN_REFUSED,
        where=Where(site=site),
        evidence=(said, *(tried or ("no usable key was found",))),
        fix=f"ssh {shlex.quote(f'{user}@{host}')} must log in by key and without a prompt: load "
        "the key (ssh-add), or name user and IdentityFile for the host in ~/.ssh/config",
        runbook="add-a-site",
    )


def host_key_unknown(site: str, host: str, key: str, commands: str) -> Problem:
    """Return: no known_hosts file has a key for the host."""
    return Problem(
        code="ssh.host-key-unknown",
        what=f"the host key of {host} is not known here",
        exit_code=ExitCode.HOST_KEY_REFUSED,
        where=Where(site=site),
        evidence=(f"it offers {key}",),
        fix=commands,
        runbook="add-a-site",
    )


def host_key_changed(site: str, host: str, key: str, known: str, commands: str) -> Problem:
    """Return: the host shows another key than the known one; it may be someone else."""
    return Problem(
        code="ssh.host-key-changed",
        what=f"{host} does not show the host key that is known for it: it may be someone else",
        exit_code=ExitCode.HOST_KEY_REFUSED,
        where=Where(site=site),
        evidence=(f"it offers {key}", f"known is {known}"),
        fix=commands,
        runbook="site-unreachable",
    )


def host_key_revoked(site: str, host: str, key: str) -> Problem:
    """Return: the host shows a key that a known_hosts file marks @revoked."""
    return Problem(
        code="ssh.host-key-revoked",
        what=f"{host} shows a host key that is marked as revoked here",
        exit_code=ExitCode.HOST_KEY_REFUSED,
        where=Where(site=site),
        evidence=(f"it offers {key}",),
        fix="ask the site's administrators; do not connect",
        runbook="site-unreachable",
    )


def known_hosts_unreadable(site: str, file: Path, line: int, why: str) -> Problem:
    """Return: an unreadable line of a known_hosts file, or all of it (0), may forbid a key."""
    where = f"line {line} of {file}" if line else str(file)
    mend = f"correct or delete {where}" if line else f"ls -l {shlex.quote(str(file))}"
    return Problem(
        code="ssh.known-hosts-unreadable",
        what=f"{where} may forbid the key that {site} shows: {why}",
        exit_code=ExitCode.HOST_KEY_REFUSED,
        where=Where(site=site),
        evidence=("ssh passes over such a line; dtdeploy does not, for it may say @revoked",),
        fix=f"{mend}   # see sshd(8), known_hosts",
        runbook="site-unreachable",
    )


def answer_lost(site: str, what: str, *evidence: str) -> Problem:
    """Return: a command was sent, and nobody knows what became of it."""
    return Problem(
        code="answer.lost",
        what=what,
        exit_code=ExitCode.OUTCOME_UNKNOWN,
        where=Where(site=site),
        evidence=tuple(words for words in evidence if words),
        state_left="it may or may not have been carried out",
        fix=f"look before doing anything again: {typed('status')}",
        runbook="run-stopped-half-way",
    )


def logs_incomplete(where: Where, said: str) -> Problem:
    """Return: not every node gave what its tasks wrote. Docker does not say which one.

    One whose daemon hangs does not (measured on 20.10).
    """
    return Problem(
        code="logs.incomplete",
        what="not every node gave its lines",
        exit_code=ExitCode.SITE_UNREACHABLE,
        where=where,
        evidence=(said,),
        fix=f"{typed('status', '--site', where.site)}; on its manager: docker node ls; if the node"
        " is ready and stays silent, on that node: sudo systemctl restart docker",
        runbook="site-unreachable",
    )


def logs_not_kept(where: Where) -> Problem:
    """Return: the service's logging driver is `none`, so that nothing can be read."""
    return Problem(
        code="logs.not-kept",
        what="its logging driver is `none`: nothing that it writes is kept",
        exit_code=ExitCode.SITE_UNREACHABLE,
        where=where,
        fix="give it another driver in its compose file: `logging: {driver: json-file}`",
        runbook="service-not-healthy",
    )


_DOCKER_WORDS = (
    (dtdeploy_look.MAY_ONLY_LOOK, "ssh.look-only"),
    ("permission denied while trying to connect", "docker.no-permission"),
    ("connect: permission denied", "docker.no-permission"),
    ("cannot connect to the docker daemon", "docker.not-running"),
    ("error during connect", "docker.not-running"),
    ("failed to open the raw stream connection", "docker.not-running"),
    ("does not have a leader", "swarm.no-quorum"),
    ("lost leader status", "swarm.no-quorum"),
    ("needs to be unlocked", "swarm.locked"),
    ("certificates have expired", "swarm.certificates-expired"),
    ("this node is not part of a swarm", "swarm.inactive"),
    ("this node is not a swarm manager", "swarm.not-manager"),
    ("docker: not found", "docker.not-installed"),
    ("docker: command not found", "docker.not-installed"),
)
"""What sshd's shell, the docker CLI and the daemon say (docker/cli 20.10, moby 20.10
daemon/cluster/errors.go), lower case, first match wins."""

_LINES = 6

_DOCKER_MEANS = {
    "docker.no-permission": (
        "the login may not use Docker",
        "add the user to the manager's docker group: sudo usermod -aG docker USER",
        "add-a-site",
    ),
    "docker.not-running": (
        "the Docker daemon is not running",
        "on the manager: sudo systemctl status docker",
        "site-unreachable",
    ),
    "docker.not-installed": (
        "there is no docker command in the PATH of a non-interactive login",
        "ssh HOST 'command -v docker' must print a path",
        "add-a-site",
    ),
    "swarm.no-quorum": (
        "the Swarm has no leader: too few of its managers are online",
        "bring the other managers back: docker node ls",
        "site-unreachable",
    ),
    "swarm.locked": (
        "the Swarm is locked",
        "on the manager: docker swarm unlock",
        "site-unreachable",
    ),
    "swarm.certificates-expired": (
        "the Swarm's certificates have expired",
        "on the manager: docker swarm ca --rotate",
        "site-unreachable",
    ),
    "swarm.inactive": (
        "the host is not part of a Swarm",
        "on the manager: docker info --format '{{json .Swarm}}'",
        "add-a-site",
    ),
    "swarm.not-manager": (
        "the host is a worker of its Swarm, not a manager",
        "set the site's manager in sites.yaml to one of the Swarm's managers",
        "add-a-site",
    ),
    "docker.too-old": (
        "the Docker daemon is too old or too new to talk to",
        "dtdeploy speaks Engine API 1.40 and later (Docker 19.03)",
        "add-a-site",
    ),
    "docker.no-answer": (
        "the Docker daemon does not answer",
        "on the manager: docker info; sudo systemctl status docker",
        "site-unreachable",
    ),
    "docker.unreadable": (
        "the Docker daemon answers what dtdeploy does not understand",
        "report this with the daemon's version",
        "site-unreachable",
    ),
    "docker.refused": (
        "the Docker daemon refuses to answer",
        "on the manager: docker node ls; docker service ls",
        "site-unreachable",
    ),
}


def file_refused(site: str, stack: str, words: str) -> Problem:
    """Return: the manager's docker command does not take the stack's compose file."""
    lines = tuple(line for line in words.splitlines() if line.strip())
    return Problem(
        code="source.manager-refuses",
        what=f"the docker command of {site}'s manager does not take the compose file of {stack}",
        exit_code=ExitCode.SOURCE_FAILED,
        where=Where(site=site, stack=stack),
        evidence=lines[:_LINES],
        fix="write it as that version of Docker takes it, or update Docker on the manager",
        state_left="nothing was touched",
        runbook="git-source-failed",
    )


def file_unread(site: str, stack: str, seconds: float, words: str) -> Problem:
    """Return: the manager's docker command did not end reading the stack's compose file."""
    return Problem(
        code="preflight.not-prepared",
        what=f"the docker command of {site}'s manager did not end reading the compose file of "
        f"{stack} within {seconds:g} s",
        exit_code=ExitCode.SAFETY_REFUSED,
        where=Where(site=site, stack=stack),
        evidence=tuple(line for line in words.splitlines() if line.strip())[:_LINES],
        fix="on the manager: docker --version must answer at once; then the same command again",
        state_left="nothing that runs was touched",
        runbook="run-stopped-half-way",
    )


def docker(site: str, code: str, *evidence: str) -> Problem:
    """Return the problem `code`, one of the docker.* and swarm.* codes above, or ssh.look-only."""
    if code == "ssh.look-only":
        return look_only(site, *evidence)
    what, fix, runbook = _DOCKER_MEANS[code]
    denied = code == "docker.no-permission"
    return Problem(
        code=code,
        what=what,
        exit_code=ExitCode.LOGIN_REFUSED if denied else ExitCode.SITE_UNREACHABLE,
        where=Where(site=site),
        evidence=tuple(words for words in evidence if words),
        fix=fix,
        runbook=runbook,
    )


_NO_SUCH_COMMAND = 127  # POSIX sh


def docker_code(words: str, otherwise: str = "docker.refused", *, rc: int = 0) -> str:
    """Return the code that what Docker (or the shell in front of it) said stands for.

    `rc` is the exit code of a remote command, 0 if there was none.
    """
    if rc == _NO_SUCH_COMMAND:
        return "docker.not-installed"
    lowered = words.lower()
    return next((code for text, code in _DOCKER_WORDS if text in lowered), otherwise)


def other_swarm(site: str, host: str, found: str, wanted: str) -> Problem:
    """Return: a manager of the site's list belongs to another Swarm than the one that counts."""
    return Problem(
        code="swarm.other-swarm",
        what=f"{host} is a manager of another Swarm than the one that is known as {site}'s",
        exit_code=ExitCode.SAFETY_REFUSED,
        where=Where(site=site),
        evidence=(f"its Swarm has the id {found}", f"known is {wanted}"),
        fix=f"docker info --format '{{{{.Swarm.Cluster.ID}}}}'   # on each manager that sites.yaml"
        f" names for {site}; keep there those of one Swarm. If the Swarm was made anew since a run"
        f" began: {typed('lock', 'break', 'RUN', '--because', 'TEXT')}, then"
        f" {typed('up', '--all')}",
        state_left="nothing was done there",
        runbook="site-unreachable",
    )


def leader_lost(words: str) -> bool:
    """Tell whether a write failed in the window where its outcome is unknown.

    While a Swarm loses its leader a write may block, fail, and still have been committed
    (swarmkit manager/state/raft; measured on 20.10).
    """
    lowered = words.lower()
    signs = ("lost leader status", "does not have a leader", "context deadline exceeded")
    return any(sign in lowered for sign in signs)
