"""States that somebody may find the fleet in, each a frozen value; and what they are made of.

`scene` is what the fleet is like before; `typed` are the commands that bring it about, the last
one's screen is what whoever comes next sees; `code` is an error code that stands there; `act` is
what only a person can do about it.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from orchestrator.fleet.unit import Unit
from orchestrator.inventory.model import Inventory
from orchestrator.simulation.behaviour import Behaviour, Kind
from orchestrator.simulation.faults import Fault, FaultKind, inject
from orchestrator.simulation.happening import What
from tests.hamlet import hamlet
from tests.states.keyboard import Keyboard, When
from tests.states.reader import Act

Thing = Callable[[Keyboard], None]
"""Something that a person does, or that befalls the fleet or a machine."""
HAMLET = hamlet()
FAR_WORKER = {"far": {"workers": ["far-w1"]}}
SEVERAL = {
    "home": {"managers": ["home-m2", "home-m3"], "workers": ["home-w1"]},
    "far": {"managers": ["far-m2", "far-m3"], "workers": ["far-w1"]},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A command line, and what befalls whoever types it."""

    words: str
    killed: When | None = None
    stopped: When | None = None
    upon: tuple[tuple[When, Thing], ...] = ()
    then: Thing | None = None
    """What happens once it has ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """One state. `goal` is whether all is to be up or down in the end."""

    name: str
    sites: dict[str, Any] = field(default_factory=dict)
    behaviours: tuple[dict[str, Any], ...] = ()
    shared: tuple[tuple[Unit, tuple[str, ...]], ...] = ()
    by_the_files: bool = True
    """Whether `shared` is still what the compose files say, for who watches the order."""
    inventory: Inventory = HAMLET
    before: tuple[Thing, ...] = ()
    typed: tuple[Line, ...] = (Line(words="dtdeploy restart --all"),)
    after: tuple[Thing, ...] = ()
    anew: bool = False
    """Whether whoever comes has not seen the last screen."""
    elsewhere: bool = False
    """Whether whoever comes sits at another machine."""
    later: tuple[str, ...] = ()
    """What is typed there: its screen is what counts then."""
    code: str = ""
    act: Act | None = None
    nobody_mends: bool = False
    """Whether the cause stays: then the other way that is offered has to lead out."""
    goal: str = "up"


# Things that happen


def happens(kind: FaultKind, site: str = "", **more: Any) -> Thing:
    """Return what brings a fault about at once."""

    def thing(keyboard: Keyboard) -> None:
        fleet = keyboard.desk.shared.fleet
        inject(fleet, Fault(at=fleet.clock.now, kind=kind, site=site, **more))

    return thing


def passes(seconds: float) -> Thing:
    """Return what lets time pass."""

    def thing(keyboard: Keyboard) -> None:
        clock = keyboard.desk.shared.fleet.clock
        clock.run_until(clock.now + seconds)

    return thing


def both(*things: Thing) -> Thing:
    def thing(keyboard: Keyboard) -> None:
        for one in things:
            one(keyboard)

    return thing


def removed(stack: str, site: str = "home") -> When:
    return When(what=What.SERVICE_REMOVED, stack=stack, site=site)


def created(stack: str, site: str = "home") -> When:
    return When(what=What.SERVICE_CREATED, stack=stack, site=site)


def killed(
    when: When, words: str = "dtdeploy restart --all", then: Thing | None = None
) -> tuple[Line, ...]:
    return (Line(words=words, killed=when, then=then),)


def stopped(when: When, words: str = "dtdeploy restart --all") -> tuple[Line, ...]:
    return (Line(words=words, stopped=when),)


def hit(when: When, *things: Thing, words: str = "dtdeploy restart --all") -> tuple[Line, ...]:
    return (Line(words=words, upon=tuple((when, thing) for thing in things)),)


BACK = {
    FaultKind.LINK_CUT: FaultKind.LINK_OK,
    FaultKind.LINK_REFUSED: FaultKind.LINK_OK,
    FaultKind.LINK_HANGING: FaultKind.LINK_OK,
    FaultKind.HOST_KEY_CHANGED: FaultKind.LINK_OK,
    FaultKind.LOGIN_REFUSED: FaultKind.LINK_OK,
    FaultKind.DAEMON_STOPPED: FaultKind.DAEMON_STARTED,
    FaultKind.DAEMON_FROZEN: FaultKind.DAEMON_THAWED,
    FaultKind.QUORUM_LOST: FaultKind.QUORUM_BACK,
    FaultKind.REGISTRY_DENIED: FaultKind.REGISTRY_OK,
    FaultKind.REGISTRY_UNREACHABLE: FaultKind.REGISTRY_OK,
    FaultKind.FILE_REFUSED: FaultKind.FILE_TAKEN,
    FaultKind.FIELD_DROPPED: FaultKind.FIELD_KEPT,
    FaultKind.CHANNEL_REFUSES: FaultKind.CHANNEL_OK,
    FaultKind.CHANNEL_HANGS: FaultKind.CHANNEL_OK,
    FaultKind.CHANNEL_LOSES_REPLY: FaultKind.CHANNEL_OK,
}


def mended(kind: FaultKind, site: str = "", **more: Any) -> Thing:
    return both(happens(BACK[kind], site, **more), passes(40.0))


def before_anything(
    name: str, kind: FaultKind, code: str, named: str, site: str = "far", **more: Any
) -> State:
    """Return the state of a site that is not well when a restart is typed."""
    return State(
        name=name,
        before=(happens(kind, site), passes(1.0)),
        code=code,
        act=Act(named=named, do=mended(kind, site)),
        **more,
    )


def in_the_middle(name: str, when: When, kind: FaultKind, code: str, named: str) -> State:
    """Return the state that a run leaves to which something happens in the middle."""
    return State(
        name=name,
        typed=hit(when, happens(kind, "far")),
        code=code,
        act=Act(named=named, do=mended(kind, "far")),
    )


def behaves(kind: Kind, stack: str, site: str = "far", service: str = "") -> Thing:
    return happens(
        FaultKind.BEHAVE, site, stack=stack, service=service, behaviour=Behaviour(kind=kind)
    )


def behaves_well(stack: str, site: str = "far") -> Thing:
    return both(
        behaves(Kind.GOOD, stack, site),
        happens(FaultKind.FREE, site, stack=stack),
        passes(5.0),
    )


def typed(*words: str) -> tuple[Line, ...]:
    return tuple(Line(words=line) for line in words)
