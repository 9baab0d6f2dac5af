"""Where announcements go: what the environment says, checked before anything is touched."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

from orchestrator.errors import ExitCode, Problem, RefusedError, UsageError
from orchestrator.inventory.model import Inventory
from orchestrator.planning.notice import Notice
from orchestrator.planning.plan import Plan
from orchestrator.procedures.announce import announced_by_hand
from orchestrator.procedures.effects import Announce, Answer, Effect

if TYPE_CHECKING:
    from orchestrator.notify.channel import Channel

_RUNBOOK = "announce-downtime"


class Performer(Protocol):
    """Performs one effect, blocking, and leaves it behind when it never ends."""

    def perform(self, effect: Effect) -> object:
        """Return the effect's answer."""
        ...

    def give_up(self, effect: Effect) -> None:
        """Be told that nobody waits for `effect` any more."""
        ...


class Places(Protocol):
    """Where announcements go."""

    @property
    def known(self) -> bool:
        """Whether there is anywhere to send them."""
        ...

    def problems(self) -> tuple[Problem, ...]:
        """Return why nothing can be announced there; sends nothing."""
        ...


class MadeUpPlaces:
    """The channel of a simulated fleet: always there; a scenario may break it."""

    known = True

    def problems(self) -> tuple[Problem, ...]:
        """Return nothing: whether it takes a message is seen when one is sent."""
        return ()


class UrlPlaces:
    """The URLs in those environment variables that the inventory names."""

    def __init__(
        self, inventory: Inventory, environment: Mapping[str, str], clock: Callable[[], float]
    ) -> None:
        self._names = inventory.announce
        self._urls = {n: environment[n] for n in inventory.announce if environment.get(n)}
        self._clock = clock

    @property
    def known(self) -> bool:
        """Whether any of the variables is set."""
        return bool(self._urls)

    def problems(self) -> tuple[Problem, ...]:
        """Return what keeps every message from being sent at all."""
        if not self._urls:
            return (_nowhere(self._names),)
        from orchestrator.notify.channel import unusable

        return unusable(self._urls)

    def perform(self, effect: Announce) -> Answer:
        """Send a message."""
        return self._channel.perform(effect)

    @cached_property
    def _channel(self) -> "Channel":
        from orchestrator.notify.channel import Channel

        return Channel(self._urls, self._clock)


class WithAnnouncements:
    """A performer that leaves all but announcements to another one."""

    def __init__(self, performer: Performer, places: UrlPlaces) -> None:
        self._performer = performer
        self._places = places

    def perform(self, effect: Effect) -> object:
        """Return the effect's answer."""
        if isinstance(effect, Announce):
            return self._places.perform(effect)
        return self._performer.perform(effect)

    def give_up(self, effect: Effect) -> None:
        """Let the performer leave behind what the thread of `effect` holds."""
        self._performer.give_up(effect)


def check_notice(notice: Notice) -> None:
    """Raise UsageError when what was typed about announcing makes no sense together."""
    if notice.announced and notice.minutes:
        raise UsageError(
            Problem(
                code="usage.announced-twice",
                what="--announced says that it is announced, --announce-in would announce it",
                exit_code=ExitCode.USAGE,
                fix="give one of them",
                state_left="nothing was contacted",
            )
        )


def must_be_announceable(places: Places, plan: Plan, again: str) -> None:
    """Raise RefusedError (24) when the plan needs an announcement that cannot be made."""
    if problems := unannounceable(places, plan, again):
        raise RefusedError(problems)


def unannounceable(places: Places, plan: Plan, again: str) -> tuple[Problem, ...]:
    """Return why an announcement that the plan needs cannot be made.

    `again` is the command as it was typed, for what to type instead.
    """
    if not plan.announces or plan.notice.announced:
        return ()
    by_hand = announced_by_hand(again)
    return tuple(replace(p, fix=f"{p.fix}; or: {by_hand}") for p in places.problems())


def _nowhere(names: tuple[str, ...]) -> Problem:
    set_them = f"set {' or '.join(names)} to an Apprise URL" if names else "see the runbook"
    what = (
        f"{' and '.join(names)} {'is' if len(names) == 1 else 'are'} not set"
        if names
        else "sites.yaml names no variable under announce"
    )
    return Problem(
        code="announce.nowhere",
        what=f"a downtime has to be announced, and dtdeploy knows of nowhere to: {what}",
        exit_code=ExitCode.ANNOUNCEMENT_FAILED,
        fix=set_them,
        state_left="nothing was touched",
        runbook=_RUNBOOK,
    )
