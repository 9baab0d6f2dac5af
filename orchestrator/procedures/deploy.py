"""Deploy a unit and wait until it is healthy; then watch that it stays so."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from orchestrator.errors import ExitCode, Problem
from orchestrator.fleet.desired import DesiredStack, Policy
from orchestrator.fleet.drift import Change, How, drift
from orchestrator.fleet.facts import digest_of
from orchestrator.fleet.health import Health, Verdict, judge, updates_failed
from orchestrator.fleet.history import History, begin, remember
from orchestrator.fleet.observed import Look, Sight, contents
from orchestrator.fleet.presence import Presence
from orchestrator.fleet.running import (
    FORMER_GONE,
    LABEL_COMPOSE,
    LABEL_DATA,
    LABEL_FORMER,
    LABEL_FORMER_RELEASE,
    LABEL_RELEASE,
    LABEL_REPO,
    LABEL_REVISION,
    LABEL_RUN,
    MIXED,
    origin,
)
from orchestrator.fleet.unit import Unit
from orchestrator.fleet.usage import VOLUME, usages
from orchestrator.planning.plan import Action, Step
from orchestrator.procedures.asking import (
    Asking,
    ask_fresh,
    ask_mutate,
    ask_observe,
    ask_probe,
    ask_sleep,
    ask_tell,
)
from orchestrator.procedures.book import Book
from orchestrator.procedures.effects import (
    Answer,
    DeployStack,
    Done,
    Failed,
    Probed,
    Procedure,
    Result,
    RunProbe,
    deciding,
    probed,
)
from orchestrator.procedures.findings import (
    deploy_failed,
    deploy_unknown,
    deployed_otherwise,
    never_reached,
    refused_deploy,
    refused_overwrite,
    site_lost,
    unhealthy,
)
from orchestrator.procedures.guards import (
    at_their_end,
    direct_dependencies,
    overwrite_blockers,
    removal_guard,
    runs_already,
    unhealthy_dependency,
)
from orchestrator.procedures.remove import clear_away, still_away
from orchestrator.sources.model import Sourced

_GUARD_SECONDS = 20.0
_SIGHT_SECONDS = 60.0
"""How long a site that cannot be seen in the middle of a run is waited for: a link that blinks
must not cost a deploy."""
_FRESH_SECONDS = 5.0
_DEPLOY_TRIES = 3
_RETRY_SECONDS = 3.0
_UNSEEN = "cannot be seen"
_MET_ANOTHER = ("update out of sequence", "already exists", "name conflicts with an existing")
_LOST_ANSWER_SECONDS = 130.0
"""Longer than the remote command is allowed to run: after that nothing of it is under way."""


def deploy(book: Book, step: Step, unit: Unit) -> Procedure:
    """Deploy `unit` and wait until it is healthy, its probes included.

    Ends in Failed with 20 when what it depends on is not healthy (nothing was touched), 21
    when Docker refuses or a cause is final or time is up, 31 when nobody can tell.
    """
    sourced = book.sourced[unit]
    if away := (yield from still_away(book, unit)):
        return Failed(problems=(never_reached(unit, away.problem),))
    problem = yield from _guarded(book, unit)
    if problem is not None:
        return Failed(problems=(problem,))
    asked = yield from ask_sleep(0)
    look = yield from _seen(book, unit)
    if isinstance(look, Sight) and _only_leftovers(unit, look):
        poll = book.inventory.spec(unit).policy.poll_seconds
        cleared = yield from clear_away(
            unit, wait_seconds=step.wait_seconds, poll_seconds=poll, leftovers_alone=True
        )
        if isinstance(cleared, Failed):
            return cleared
        look = yield from _seen(book, unit)
    if not isinstance(look, Sight):
        return Failed(problems=(site_lost(unit, look.problem),))
    watch = _watch(book, unit)
    ours = _ours_already(book, unit, sourced, look) and not at_their_end(book, unit, look)
    if not ours or not _as_it_should_be(watch, look):
        now = yield from ask_sleep(0)
        # Its site may have been waited for, or leftovers cleared away: what spoke for the deploy
        # is no news any more.
        problem = (yield from _guarded(book, unit)) if now - asked > _FRESH_SECONDS else None
        if problem is None:
            problem = yield from _deployed(book, unit, sourced, look)
        if problem is not None:
            return Failed(problems=(problem,))
    # Tasks from before are not held against it; how long it takes counts from here.
    began = yield from ask_sleep(0)
    history = replace(begin(unit.stack, look), began=began)
    return (yield from _until_healthy(watch, history, step))


def settle(book: Book, step: Step, unit: Unit) -> Procedure:
    """Watch until every task of `unit` has kept running for the policy's window.

    Its probes must answer then as well.
    Ends in Failed with 21 when tasks keep being replaced, or one fails for good.
    """
    watch = _watch(book, unit)
    began = yield from ask_sleep(0)
    history = History(began=began)
    seen = False
    while True:
        look = yield from ask_observe(unit.site)
        if isinstance(look, Sight):
            history = remember(history, unit.stack, look) if seen else begin(unit.stack, look)
            seen = True
        health = judge(watch.desired, look, history, watch.policy)
        failing: tuple[str, ...] = ()
        if health.healthy and health.stable_seconds >= watch.policy.stable_seconds:
            answers = yield from ask_probes(watch.questions)
            failing = _failing(answers)
            if not failing:
                stable = f"stable for {health.stable_seconds:.0f} s"
                return Done(words="; ".join((stable, *_done_words(health), *map(str, answers))))
        late = look.at - began >= step.wait_seconds
        if late or health.verdict is Verdict.UNHEALTHY:
            problem = unhealthy(unit, health, failing, look.at - began)
            return Failed(problems=(problem,))
        yield from ask_tell(
            "the same tasks to keep running", _words(health, failing), began + step.wait_seconds
        )
        yield from ask_sleep(max(watch.policy.poll_seconds, watch.policy.stable_seconds / 10))


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """What is watched, and how patiently."""

    unit: Unit
    desired: DesiredStack
    policy: Policy
    questions: tuple[RunProbe, ...]
    """Its probes; asked again and again, so that each is sent once."""


def _watch(book: Book, unit: Unit) -> Watch:
    spec = book.inventory.spec(unit)
    questions = tuple(RunProbe(site=unit.site, probe=probe) for probe in spec.probes)
    return Watch(unit=unit, desired=book.desired(unit), policy=spec.policy, questions=questions)


def _guarded(book: Book, unit: Unit) -> Asking[Problem | None]:
    """Ask S2 right before the deploy; nothing is waited for that this run did not bring up."""
    own = yield from ask_observe(unit.site)
    if runs_already(book, unit, own) and not _in_place(book, unit):
        # Only now: a site that does not answer would cost its time-out while the unit is down.
        looks = yield from ask_fresh(removal_guard(book, unit).sites)
        if running := overwrite_blockers(book, unit, {look.site: look for look in looks}):
            return refused_overwrite(unit, running)
    start = yield from ask_sleep(0)
    while True:
        blockers = yield from dependency_blockers(book, direct_dependencies(book, unit))
        if not blockers:
            return None
        now = yield from ask_sleep(0)
        unseen = any(_UNSEEN in words for words in blockers.values())
        patience = _SIGHT_SECONDS if unseen else _GUARD_SECONDS
        if now - start >= patience:
            return refused_deploy(book, unit, blockers)
        waiting = tuple(blockers.values())
        yield from ask_tell("what it depends on to be healthy", waiting, start + patience)
        yield from ask_sleep(book.inventory.spec(unit).policy.poll_seconds)


def dependency_blockers(book: Book, needed: Iterable[Unit]) -> Asking[dict[Unit, str]]:
    """Return why what depends on `needed` may not be deployed now: unhealthy, probes failing."""
    blockers: dict[Unit, str] = {}
    for below in needed:
        (look,) = yield from ask_fresh((below.site,))
        words = unhealthy_dependency(book, below, look)
        if words:
            blockers[below] = words
            continue
        probes = book.inventory.spec(below).probes
        answers = yield from ask_probes([deciding(below.site, probe) for probe in probes])
        if failing := _failing(answers):
            blockers[below] = f"{below}: {'; '.join(failing)}"
    return blockers


def ask_probes(questions: Iterable[RunProbe]) -> Asking[tuple[Probed, ...]]:
    """Send probes one after another, and say what each was answered."""
    answers: list[Probed] = []
    for effect in questions:
        asked = yield from ask_sleep(0)
        result = yield from ask_probe(effect)
        answers.append(probed(effect, result, asked))
    return tuple(answers)


def _failing(answers: Iterable[Probed]) -> tuple[str, ...]:
    return tuple(str(answer) for answer in answers if not answer.ok)


def _only_leftovers(unit: Unit, sight: Sight) -> bool:
    """Whether nothing but leftovers is there: what others use is none, and no Swarm lets it go."""
    mine = contents(sight, unit.stack)
    left = mine.networks or mine.configs or mine.secrets
    if not left or mine.services:
        return False
    return not any(use.maker == unit.stack and use.kind != VOLUME for use in usages(sight))


def _seen(book: Book, unit: Unit) -> Asking[Look]:
    """Look at the unit's site, and for a while again if it cannot be seen."""
    start = yield from ask_sleep(0)
    while True:
        look = yield from ask_observe(unit.site)
        if isinstance(look, Sight) or look.at - start >= _SIGHT_SECONDS:
            return look
        deadline = start + _SIGHT_SECONDS
        yield from ask_tell(f"{unit.site} to be seen again", (look.problem.what,), deadline)
        yield from ask_sleep(book.inventory.spec(unit).policy.poll_seconds)


def _ours_already(book: Book, unit: Unit, sourced: Sourced, sight: Sight) -> bool:
    """Whether this run deployed all of the unit, in an earlier life too: it only has to settle."""
    wanted = {sourced.desired.service_name(service) for service in sourced.desired.services}
    there = {service.name for service in contents(sight, unit.stack).services}
    return wanted <= there and origin(unit, sight).run == book.run


def _as_it_should_be(watch: Watch, sight: Sight) -> bool:
    """Whether no further deploy is needed for what this run deployed."""
    # Where Docker paused an update, or took it back, only a deploy moves it on.
    stopped = updates_failed(watch.desired, sight, watch.policy)
    return not stopped and _otherwise(watch, sight) is None


def _deployed(book: Book, unit: Unit, sourced: Sourced, sight: Sight) -> Asking[Problem | None]:
    effect = _without_registry(deploy_effect(book, unit), sight)
    effect = replace(effect, again=at_their_end(book, unit, sight))
    answer = yield from ask_mutate(effect)
    for _ in range(_DEPLOY_TRIES - 1):
        if not _may_repeat(answer):
            break
        yield from ask_sleep(_RETRY_SECONDS)
        look = yield from _seen(book, unit)
        if isinstance(look, Sight) and _ours_already(book, unit, sourced, look):
            return None
        # What spoke for it was seen a while ago.
        problem = yield from _guarded(book, unit)
        if problem is not None:
            return problem
        answer = yield from ask_mutate(effect)
    if answer.result is Result.OK:
        return None
    if answer.result is Result.UNKNOWN:
        return (yield from _look_for_lost_deploy(book, unit, sourced, answer.words))
    if cause := _unreached(answer):
        return site_lost(unit, cause)
    return answer.problem or deploy_failed(unit, answer.words)


def _may_repeat(answer: Answer) -> bool:
    """Whether a deploy that failed may be sent again.

    It never left, or not in time, or met another change at the same moment: one of an earlier
    life of this run that still goes on at the manager, perhaps (moby#39891).
    """
    if answer.result is not Result.FAILED:
        return answer.result is Result.LATE
    met_another = any(words in answer.words for words in _MET_ANOTHER)
    return met_another or _unreached(answer) is not None


def _unreached(answer: Answer) -> Problem | None:
    problem = answer.problem
    if problem is None or problem.exit_code is not ExitCode.SITE_UNREACHABLE:
        return None
    return problem


def deploy_effect(book: Book, unit: Unit) -> DeployStack:
    """Return the deploy of `unit` as this run carries it out."""
    spec = book.inventory.spec(unit)
    sourced = book.sourced[unit]
    release = sourced.release
    return DeployStack(
        unit=unit,
        release=release,
        labels=(
            (LABEL_REPO, release.revision.repo),
            (LABEL_REVISION, release.revision.sha),
            (LABEL_RELEASE, release.digest),
            (LABEL_COMPOSE, release.compose),
            (LABEL_RUN, book.run),
            *_former(book, unit),
            *(((LABEL_DATA, sourced.data_digest),) if sourced.data_digest else ()),
        ),
        variables=spec.variables,
        secret_variables=spec.secret_variables,
        images=book.plan.unit(unit).images,
        prune=_in_place(book, unit),
    )


def _without_registry(effect: DeployStack, sight: Sight) -> DeployStack:
    """Ask no registry where it could not tell anything: once prepared, a run needs none.

    What `docker stack deploy` asks for is the digest, and on which platforms an image can run
    (docker/docker client/service_create.go); all nodes of one platform are as good as each other.
    """
    platforms = {node.platform for node in sight.nodes}
    known = len(platforms) == 1 and platforms != {""}
    pinned = bool(effect.images) and all(digest_of(image) for _, image in effect.images)
    return replace(effect, ask_registry=not (known and pinned))


def _in_place(book: Book, unit: Unit) -> bool:
    """Whether the plan deploys `unit` over what runs, which is its declared strategy."""
    return book.plan.unit(unit).action is Action.UPDATE


def _former(book: Book, unit: Unit) -> tuple[tuple[str, str], ...]:
    """Return the labels that say what ran before, so that a run can be undone without a journal.

    None where nobody knows what ran.
    """
    before = book.plan.unit(unit).before
    former = FORMER_GONE if before.presence is Presence.GONE else before.revision
    labels = ((LABEL_FORMER, former), (LABEL_FORMER_RELEASE, before.release))
    return tuple((name, value) for name, value in labels if value not in ("", MIXED))


def _look_for_lost_deploy(
    book: Book, unit: Unit, sourced: Sourced, words: str
) -> Asking[Problem | None]:
    """Find out what became of a deploy whose answer was lost.

    The remote command is left to finish (it survives the connection); once every service
    carries this run's label it has done its work.
    """
    start = yield from ask_sleep(0)
    poll = book.inventory.spec(unit).policy.poll_seconds
    while True:
        look = yield from ask_observe(unit.site)
        if isinstance(look, Sight) and _ours_already(book, unit, sourced, look):
            return None
        if look.at - start >= _LOST_ANSWER_SECONDS:
            if isinstance(look, Sight):
                return deploy_unknown(unit, words)
            return site_lost(unit, look.problem)
        deadline = start + _LOST_ANSWER_SECONDS
        yield from ask_tell("a sign of the deploy whose answer was lost", (words,), deadline)
        yield from ask_sleep(poll)


def _until_healthy(watch: Watch, history: History, step: Step) -> Procedure:
    start = history.began
    while True:
        look = yield from ask_observe(watch.unit.site)
        if isinstance(look, Sight):
            history = remember(history, watch.unit.stack, look)
            if problem := _otherwise(watch, look):
                return Failed(problems=(problem,))
        health = judge(watch.desired, look, history, watch.policy)
        failing: tuple[str, ...] = ()
        if health.healthy:
            failing = _failing((yield from ask_probes(watch.questions)))
            if not failing:
                words = f"healthy after {look.at - start:.1f} s, {health.running} tasks"
                return Done(words=words)
        late = look.at - start >= step.wait_seconds
        if late and not isinstance(look, Sight):
            return Failed(problems=(site_lost(watch.unit, look.problem),))
        if health.verdict is Verdict.UNHEALTHY or late:
            return Failed(problems=(unhealthy(watch.unit, health, failing, look.at - start),))
        yield from ask_tell(
            _waiting(health, look), _words(health, failing), start + step.wait_seconds
        )
        yield from ask_sleep(watch.policy.poll_seconds)


def _otherwise(watch: Watch, sight: Sight) -> Problem | None:
    """Say what the Swarm holds of the unit that its compose file does not say.

    An older Docker drops what it does not know, without a word. While Docker takes an update back,
    and after it, a service is what it was before, and is judged by that.
    """
    mine = contents(sight, watch.unit.stack)
    if any(service.update_state.startswith("rollback") for service in mine.services):
        return None
    changes = drift(watch.desired, mine)
    found = tuple(str(change) for change in changes if not _is_beside(change))
    return deployed_otherwise(watch.unit, found) if found else None


def _is_beside(change: Change) -> bool:
    """Whether it is about something that is there besides what was deployed."""
    return change.how is How.EXTRA and (change.kind == "service" or not change.service)


def _waiting(health: Health, look: Look) -> str:
    if not isinstance(look, Sight):
        return f"{look.site} to be seen again"
    return f"{health.running} of {health.expected} tasks to run"


def _done_words(health: Health) -> tuple[str, ...]:
    return (f"finished: {', '.join(health.finished)}",) if health.finished else ()


def _words(health: Health, failing: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(str(reason) for reason in health.reasons) + failing
