"""Where downtime is announced in a simulation: a channel that is always there, and its faults."""

from dataclasses import dataclass, field
from enum import Enum

from orchestrator.procedures.effects import Announce, Answer, Result
from orchestrator.simulation.clock import Process
from orchestrator.simulation.happening import Happening, What
from orchestrator.simulation.swarm import World

_SECONDS = 0.2
_DEADLINE_SECONDS = 10.0


class ChannelState(Enum):
    """How a channel answers."""

    OK = "ok"
    REFUSES = "refuses"
    """It answers no, as with an HTTP status of 500."""
    HANGS = "hangs"
    """It takes nothing and answers nothing."""
    LOSES_REPLY = "loses_reply"
    """It takes the message, and its answer is lost."""


@dataclass(slots=True, kw_only=True)
class Channel:
    """A channel and what stands in it, in the order it came."""

    state: ChannelState = ChannelState.OK
    messages: list[Announce] = field(default_factory=list)


def send(world: World, channel: Channel, effect: Announce, by: str) -> Process[Answer]:
    """Send a message; what came of it, as far as its sender can tell."""
    clock = world.clock
    if effect.not_after is not None and clock.now > effect.not_after:
        return Answer(result=Result.LATE, at=clock.now, words="its time had passed")
    state = channel.state
    yield _SECONDS
    if state is ChannelState.REFUSES:
        return Answer(result=Result.FAILED, at=clock.now, words="the channel: HTTP 500")
    if state is not ChannelState.HANGS:
        channel.messages.append(effect)
        detail = f"{effect.news.value} {effect.title}"
        world.tell(Happening(clock.now, What.ANNOUNCED, effect.site, detail=detail, by=by))
    if state is not ChannelState.OK:
        yield _DEADLINE_SECONDS - _SECONDS
        words = f"the channel: no answer within {_DEADLINE_SECONDS:g} s"
        return Answer(result=Result.UNKNOWN, at=clock.now, words=words)
    return Answer(result=Result.OK, at=clock.now, words="the channel: accepted")
