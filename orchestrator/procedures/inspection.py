"""What doctor asks of a site beyond preflight: what is wearing out, though nothing stops for it."""

import re
from dataclasses import dataclass
from enum import Enum

from orchestrator.command_line import typed
from orchestrator.errors import ExitCode, Problem, Where
from orchestrator.fleet.observed import Node
from orchestrator.fleet.ownership import DECLARED_ALONE, Ownership

KEPT_RELEASES = 5
"""Of each stack, at its manager; see docs/swarm.md."""
SESSIONS = 7
"""At once: three for the Engine API, three for commands, one for a sign of life."""
TRIED_ENGINES = ("20.10", "28")
"""The oldest and the newest Docker Engine that the tests on real Swarms ran on: docs/lab.md."""
_POOL_SHARE = 0.8
_DISK_SHARE = 0.1
_RECLAIMABLE_BYTES = 5 * 10**9
_CLOCK_SECONDS = 2.0
_LOGIN_SECONDS = 86400.0
_RENEWED_SHARE = 0.19
"""Of its life: a node renews its certificate when half to four fifths are over (swarmkit ca/)."""
RUNBOOK = "doctor-warns"


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspect:
    """Find out what doctor wants to know about a site; changes nothing there."""

    site: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """A manager that the inventory names: which node it is, and what is wrong with it if not "".

    `no_login` are registries that the manager in use can log in to and this one cannot.
    """

    host: str
    node_id: str = ""
    words: str = ""
    no_login: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """What was found at a site. None, or an entry in `unknown`: it could not be.

    `pool_size` and `pool_used` are the addresses of the ingress network that may be used and
    that are, at least: those that were leaked are not seen before Docker 29. `starved` are
    services whose tasks wait for an address. `certificate_days` and `certificate_life_days` are
    how long this manager's certificate lasts, and lasts in all. `sessions` is how many were
    granted of those asked for. `releases` are stacks with how many releases of them lie there.
    `unpullable` are images of services that a registry does not give with the manager's present
    login, with its words; `logins_end` are registries whose login says how many seconds it lasts.
    `managers` are those that the Swarm has, `named` those that the inventory names, `via` the one
    that was asked if it is not the first of them. `stacks` are all that left a trace there.
    """

    site: str
    engine_version: str
    cli_version: str
    api_version: str
    disk_free_bytes: int | None = None
    disk_total_bytes: int = 0
    clock_offset_seconds: float = 0.0
    pool_size: int | None = None
    pool_used: int = 0
    starved: tuple[str, ...] = ()
    reclaimable_bytes: int | None = None
    images_words: str = ""
    certificate_days: float | None = None
    certificate_life_days: float = 90.0
    sessions: int = SESSIONS
    releases: tuple[tuple[str, int], ...] = ()
    unpullable: tuple[tuple[str, str], ...] = ()
    logins_end: tuple[tuple[str, float], ...] = ()
    unknown: tuple[tuple[str, str], ...] = ()
    managers: tuple[Node, ...] = ()
    named: tuple[Named, ...] = ()
    via: str = ""
    stacks: tuple[str, ...] = ()


class State(Enum):
    """How a check came out."""

    OK = "ok"
    WARNING = "warning"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing that was looked at: its name, what was found, and what is wrong with that."""

    site: str
    name: str
    state: State
    words: str
    problem: Problem | None = None


def checks(
    seen: Inspection, declared: frozenset[str], ownership: Ownership = DECLARED_ALONE
) -> tuple[Check, ...]:
    """Judge what was found at a site; `declared` are the stacks that the inventory has anywhere.

    A site keeps copies of releases that would lie at another site's manager alone.
    """
    return (
        _pool(seen),
        _disk(seen),
        _images(seen),
        _certificate(seen),
        _clock(seen),
        _versions(seen),
        _sessions(seen),
        _releases(seen, declared),
        _stacks(seen, declared, ownership),
        _pulls(seen),
        _logins(seen),
        _managers(seen),
        _quorum(seen),
    )


def differing_versions(seen: tuple[Inspection, ...]) -> tuple[Problem, ...]:
    """Warn of sites whose engines or docker commands are not of the version that most have."""
    found: list[Problem] = []
    for what, versions in (
        ("Docker Engine", {one.site: one.engine_version for one in seen}),
        ("docker command", {one.site: one.cli_version for one in seen}),
    ):
        names = sorted(versions.values())
        if len(set(names)) > 1:
            usual = max(names, key=names.count)
            found += [
                _warning(
                    site,
                    "site.versions-differ",
                    f"the {what} is {version or 'not known'}, elsewhere it is {usual}",
                    fix="update the sites to one version: what works at one may not at another",
                )
                for site, version in versions.items()
                if version != usual
            ]
    return tuple(found)


def _pool(seen: Inspection) -> Check:
    if seen.pool_size is None:
        return _not_known(seen, "ingress pool")
    words = f"{seen.pool_used} of {seen.pool_size} addresses are used, as far as is seen"
    if seen.pool_used < seen.pool_size * _POOL_SHARE and not seen.starved:
        return _fine(seen, "ingress pool", words)
    problem = _warning(
        seen.site,
        "swarm.ingress-nearly-full",
        "the ingress network has few addresses left",
        evidence=(words, *(f"{name}: a task waits in state new" for name in seen.starved)),
        fix="sudo systemctl restart docker   # on the leader: gives back what was leaked",
    )
    return _wrong(seen, "ingress pool", words, problem)


def _disk(seen: Inspection) -> Check:
    if seen.disk_free_bytes is None:
        return _not_known(seen, "disk")
    words = f"{_gb(seen.disk_free_bytes)} of {_gb(seen.disk_total_bytes)} are free"
    if seen.disk_free_bytes >= seen.disk_total_bytes * _DISK_SHARE:
        return _fine(seen, "disk", words)
    problem = _warning(
        seen.site,
        "site.disk-nearly-full",
        "the disk on which Docker keeps its data is nearly full",
        evidence=(words,),
        fix="docker system df; docker image prune   # on the manager",
    )
    return _wrong(seen, "disk", words, problem)


def _images(seen: Inspection) -> Check:
    if seen.reclaimable_bytes is None:
        return _not_known(seen, "images")
    words = f"{_gb(seen.reclaimable_bytes)} in images that nothing uses"
    if seen.reclaimable_bytes < _RECLAIMABLE_BYTES:
        return _fine(seen, "images", words)
    problem = _warning(
        seen.site,
        "site.images-unused",
        "images that nothing uses take much space",
        evidence=(seen.images_words,),
        fix="docker image prune --all --filter until=720h   # on the manager",
    )
    return _wrong(seen, "images", words, problem)


def _certificate(seen: Inspection) -> Check:
    if seen.certificate_days is None:
        return _not_known(seen, "certificate")
    words = f"the manager's expires in {seen.certificate_days:.0f} days"
    if seen.certificate_days >= seen.certificate_life_days * _RENEWED_SHARE:
        return _fine(seen, "certificate", words)
    problem = _warning(
        seen.site,
        "swarm.certificate-expires",
        "the manager's Swarm certificate expires soon, and should have been renewed by now",
        evidence=(words,),
        fix="docker swarm ca --rotate   # on the manager; then look at docker node ls",
    )
    return _wrong(seen, "certificate", words, problem)


def _clock(seen: Inspection) -> Check:
    words = f"{seen.clock_offset_seconds:+.1f} s off ours"
    if abs(seen.clock_offset_seconds) < _CLOCK_SECONDS:
        return _fine(seen, "clock", words)
    problem = _warning(
        seen.site,
        "site.clock-drifts",
        "the manager's clock is off ours; a run refuses more than 5 s",
        evidence=(words,),
        fix="timedatectl status   # on the manager, and here",
    )
    return _wrong(seen, "clock", words, problem)


def _versions(seen: Inspection) -> Check:
    oldest, newest = TRIED_ENGINES
    words = (
        f"engine {seen.engine_version or 'not known'}, command {seen.cli_version or 'not known'},"
        f" API {seen.api_version}; "
        f"tried are engines {oldest} to {newest}"
    )
    engine = _numbers(seen.engine_version)
    # Of the newest every release counts as tried, of the oldest those from the one named.
    if engine and _numbers(oldest) <= engine and engine[:1] <= _numbers(newest):
        return _fine(seen, "versions", words)
    problem = _warning(
        seen.site,
        "site.engine-untried",
        "dtdeploy was never tried on this Docker Engine",
        evidence=(words,),
        fix=f"{typed('restart', '--site', seen.site, '--dry-run')}   # changes nothing; then"
        " restart this site alone before others",
    )
    return _wrong(seen, "versions", words, problem)


def _numbers(version: str) -> tuple[int, ...]:
    """Return the numbers that a version begins with, none if it does not."""
    return tuple(int(number) for number in re.findall(r"(?:^|(?<=\d)\.)(\d+)", version))


def _sessions(seen: Inspection) -> Check:
    words = f"{seen.sessions} at once, up to {SESSIONS} are needed"
    if seen.sessions >= SESSIONS:
        return _fine(seen, "SSH sessions", words)
    problem = _warning(
        seen.site,
        "site.sessions-few",
        "sshd grants too few sessions at once",
        evidence=(words,),
        fix="sudo sshd -T | grep -i maxsessions   # on the manager; set MaxSessions 10",
    )
    return _wrong(seen, "SSH sessions", words, problem)


def _releases(seen: Inspection, declared: frozenset[str]) -> Check:
    words = ", ".join(f"{stack}: {number}" for stack, number in seen.releases) or "none"
    strays = tuple(
        f"{stack}: {number}"
        for stack, number in seen.releases
        if number > KEPT_RELEASES or stack not in declared
    )
    if not strays:
        return _fine(seen, "releases", words)
    problem = _warning(
        seen.site,
        "site.releases-unused",
        "compose files lie there that no unit of the inventory uses",
        evidence=strays,
        fix="ls ~/.dtdeploy/stacks ~/.dtdeploy/releases   # on the manager",
    )
    return _wrong(seen, "releases", words, problem)


def _stacks(seen: Inspection, declared: frozenset[str], ownership: Ownership) -> Check:
    others = ownership.unclaimed(stack for stack in seen.stacks if stack not in declared)
    if not others:
        return _fine(seen, "stacks", "each that runs is declared, or told by its name")
    names = ", ".join(others)
    return _fine(seen, "stacks", f"{names} not declared; if not yours: ignore: [{names}]")


def _pulls(seen: Inspection) -> Check:
    """Judge whether images that run could be pulled again: a task that moves has to."""
    if not seen.unpullable:
        return _fine(seen, "pulls", "every image that a service has can be pulled again")
    words = f"{len(seen.unpullable)} images of services could not be pulled again"
    hosts = dict.fromkeys(image.partition("/")[0] for image, _ in seen.unpullable)
    problem = _warning(
        seen.site,
        "registry.not-pullable",
        "a task that has to move to another node could not start: its image cannot be pulled",
        evidence=tuple(f"{image}: {said}" for image, said in seen.unpullable),
        fix=f"docker login {' or '.join(hosts)}   # on {seen.site}'s manager, as the SSH user; "
        "then deploy anew: a service keeps the login it was deployed with",
    )
    return _wrong(seen, "pulls", words, problem)


def _logins(seen: Inspection) -> Check:
    soon = sorted((left, host) for host, left in seen.logins_end if left < _LOGIN_SECONDS)
    if not soon:
        return _fine(seen, "logins", "no login to a registry says that it ends within a day")
    lines = tuple(f"the login to {host} {_lasts(left)}" for left, host in soon)
    problem = _warning(
        seen.site,
        "registry.login-expires",
        "a login to a registry ends soon, also the one that services were deployed with",
        evidence=lines,
        fix=f"docker login {soon[0][1]}   # on {seen.site}'s manager, as the SSH user",
    )
    return _wrong(seen, "logins", lines[0], problem)


def _lasts(left: float) -> str:
    if left <= 0:
        return "has ended"
    minutes = int(left // 60)
    return f"ends in {minutes // 60} h {minutes % 60} min"


def _managers(seen: Inspection) -> Check:
    words = f"{len(seen.named)} of {len(seen.managers)} are named in sites.yaml"
    if seen.via:
        words += f"; asked through {seen.via}, since {seen.named[0].host} does not answer"
    unnamed = _unnamed(seen)
    unfit = [line for line in map(_unfit, seen.named) if line]
    found = (*unfit, *(f"{node.hostname} is not named" for node in unnamed))
    if not found:
        return _fine(seen, "managers", words)
    hosts = ", ".join((*(one.host for one in seen.named), *(node.hostname for node in unnamed)))
    line = f"manager: [{hosts}]   # at {seen.site} in sites.yaml, by names that ssh can reach"
    problem = _warning(
        seen.site,
        "swarm.managers-unready",
        "not every manager of the Swarm could stand in for the one in use",
        evidence=found,
        fix=line if unnamed else "mend what is named, on each of these hosts",
    )
    return _wrong(seen, "managers", words, problem)


def _unfit(one: Named) -> str:
    if one.words:
        return f"{one.host}: {one.words}"
    if one.no_login:
        return f"{one.host}: not logged in, docker login {' '.join(one.no_login)}"
    return ""


def _unnamed(seen: Inspection) -> tuple[Node, ...]:
    """Return the managers that the inventory does not name; one that is away goes by its name."""
    there = {one.node_id for one in seen.named}
    away = {one.host.partition(".")[0] for one in seen.named if not one.node_id}
    away |= {one.host for one in seen.named if not one.node_id}
    return tuple(n for n in seen.managers if n.id not in there and n.hostname not in away)


def _quorum(seen: Inspection) -> Check:
    """Warn where the loss of one more manager would leave too few (raft: more than half)."""
    there = sum(node.reachability == "reachable" for node in seen.managers)
    needed = len(seen.managers) // 2 + 1
    words = f"{there} of {len(seen.managers)} managers are reachable, {needed} are needed"
    if len(seen.managers) <= 1 or there > needed:
        return _fine(seen, "quorum", words)
    away = tuple(n.hostname for n in seen.managers if n.reachability != "reachable")
    evidence = (words, *(f"{name} is not reachable" for name in away))
    return _wrong(
        seen,
        "quorum",
        words,
        _warning(
            seen.site,
            "swarm.quorum-thin",
            "the loss of one more manager ends the quorum: nothing can be changed then",
            evidence=evidence,
            fix="bring back what is away; or, on a manager: docker swarm join-token manager   # an"
            " odd number of managers",
        ),
    )


def _fine(seen: Inspection, name: str, words: str) -> Check:
    return Check(site=seen.site, name=name, state=State.OK, words=words)


def _wrong(seen: Inspection, name: str, words: str, problem: Problem) -> Check:
    return Check(site=seen.site, name=name, state=State.WARNING, words=words, problem=problem)


def _not_known(seen: Inspection, name: str) -> Check:
    words = f"not known: {dict(seen.unknown).get(name, 'it could not be found out')}"
    return Check(site=seen.site, name=name, state=State.UNKNOWN, words=words)


def _warning(
    site: str, code: str, what: str, *, fix: str, evidence: tuple[str, ...] = ()
) -> Problem:
    return Problem(
        code=code,
        what=what,
        exit_code=ExitCode.DONE,
        where=Where(site=site),
        evidence=evidence,
        fix=fix,
        state_left="nothing stops for it yet",
        runbook=RUNBOOK,
    )


def _gb(number: int) -> str:
    return f"{number / 10**9:.1f} GB"
