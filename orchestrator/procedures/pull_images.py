"""Pull a site's images before anything stops, on each node that may run them.

The manager that is connected to pulls as its own docker command does. The other nodes pull through
the Swarm (fleet/pulling.py), and are waited for: what they do not have by then, they would pull
while something is down.
"""

from collections.abc import Iterator

from orchestrator.errors import Problem
from orchestrator.fleet.desired import Prepull
from orchestrator.fleet.observed import Unseen
from orchestrator.fleet.presence import Presence
from orchestrator.fleet.pulling import NodePull, Pulling, Stage
from orchestrator.fleet.unit import Unit
from orchestrator.planning.plan import Action, Step, StepKind
from orchestrator.procedures.asking import Asking, ask_in_time, ask_pulls, ask_sleep, ask_tell
from orchestrator.procedures.book import Book
from orchestrator.procedures.effects import (
    Answer,
    Done,
    Failed,
    Procedure,
    PullImages,
    PullOnNodes,
    Result,
    WatchPulls,
)
from orchestrator.procedures.findings import node_cannot_pull, node_silent, not_prepared

_POLL_SECONDS = 0.5
_NONE_SECONDS = 2.0
"""A Swarm gives each node its task within moments (measured: 40 ms): a pull that has none after so
long is for no other node."""


def pull_images(book: Book, step: Step) -> Procedure:
    """Pull what the plan deploys at `step.site`, as far as its stacks' policies say.

    Ends in Failed when an image is not known to be in place.
    """
    site = step.site
    images = tuple(dict.fromkeys(_images(book, site)))
    if not images:
        return Done(words="0 images in place")
    began = yield from ask_sleep(0)
    answer = yield from ask_in_time(PullImages(site=site, images=images))
    if answer.result is not Result.OK:
        return Failed(problems=(unprepared(site, answer),))
    done = f"{len(images)} images in place"
    pulls = tuple(dict.fromkeys(_pulls(book, site)))
    if answer.nodes <= 1 or not pulls or not _stops_something(book):
        return Done(words=done)
    deadline = began + step.wait_seconds
    told = yield from _on_nodes(PullOnNodes(site=site, run=book.run, pulls=pulls), deadline)
    # What is left of it does nothing, and the next run ends it.
    yield from ask_in_time(PullOnNodes(site=site, run=book.run))
    if isinstance(told, Problem):
        return Failed(problems=(told,))
    nodes = len({node for node, _, _ in told.of(Stage.PULLED)})
    return Done(words=f"{done}, on {nodes} more nodes as well" if nodes else done)


def unprepared(site: str, answer: Answer) -> Problem:
    """Return why a release or an image is not known to be in place."""
    return answer.problem or not_prepared(site, answer.words)


def _images(book: Book, site: str) -> Iterator[str]:
    for unit in book.deployed_at(site):
        if _policy(book, unit) is not Prepull.NONE:
            yield from book.desired(unit).images


def _pulls(book: Book, site: str) -> Iterator[NodePull]:
    for unit in book.deployed_at(site):
        if _policy(book, unit) is Prepull.NODES:
            for service in book.desired(unit).services:
                yield NodePull(image=service.image, constraints=service.constraints)


def _policy(book: Book, unit: Unit) -> Prepull:
    return book.inventory.spec(unit).policy.prepull


def _stops_something(book: Book) -> bool:
    """Whether something that may run stops once all is prepared.

    Else nobody has to wait for nodes, nor be refused because of one: what is down comes up sooner
    on those that can pull. A plan without gates brings things back.
    """
    gated = any(step.kind is StepKind.GATE for step in book.plan.steps)
    return gated and any(
        planned.before.presence is not Presence.GONE
        for planned in book.plan.units
        if planned.action.removes or planned.action is Action.UPDATE
    )


def _on_nodes(effect: PullOnNodes, deadline: float) -> Asking[Pulling | Problem]:
    answer = yield from ask_in_time(effect)
    if answer.result is not Result.OK:
        return unprepared(effect.site, answer)
    began = yield from ask_sleep(0)
    while True:
        seen = yield from ask_pulls(WatchPulls(site=effect.site, run=effect.run))
        late = seen.at >= deadline
        if isinstance(seen, Unseen):
            if late:
                return seen.problem
            words: tuple[str, ...] = (seen.problem.what,)
        elif _all_there(effect, seen, began):
            return seen
        elif problem := _problem(effect, seen, late=late):
            return problem
        else:
            words = seen.words
        yield from ask_tell("images on every node", words, deadline)
        yield from ask_sleep(_POLL_SECONDS)


def _all_there(effect: PullOnNodes, seen: Pulling, began: float) -> bool:
    if seen.of(Stage.PULLING, Stage.LOST, Stage.REFUSED) or not _stand(effect, seen):
        return False
    return seen.begun or seen.at - began >= _NONE_SECONDS


def _stand(effect: PullOnNodes, seen: Pulling) -> bool:
    return len(seen.pulls) >= len(effect.pulls)


def _problem(effect: PullOnNodes, seen: Pulling, *, late: bool) -> Problem | None:
    if refused := seen.of(Stage.REFUSED):
        return node_cannot_pull(seen.site, refused)
    if silent := seen.of(Stage.LOST, Stage.PULLING) if late else seen.of(Stage.LOST):
        return node_silent(seen.site, silent[0][0], seen.words)
    if _stand(effect, seen):
        return None
    return not_prepared(seen.site, "somebody ended the pulls on its nodes")
