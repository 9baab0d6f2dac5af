"""One life of a run: from the lock taken, or taken over, to its release or its keeping.

    take -> look again -> carry out -> judge the end -> restore if asked -> release or keep

A process may die anywhere in here. What it leaves is the lock with the run's record, and the
Swarms; `go_on` and `go_back` need nothing else.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType

from orchestrator.command_line import typed
from orchestrator.engine.alone import carry_alone
from orchestrator.engine.applying import admit, give_back
from orchestrator.engine.custodian import Custodian
from orchestrator.engine.ending import How, judge_ending
from orchestrator.engine.findings import (
    fleet_moved,
    left_as_it_is,
    lock_lost,
    nobody_knows_former,
)
from orchestrator.engine.gather import NOBODY_AWAY, look_at, probe_all
from orchestrator.engine.herald import Herald, by_hand
from orchestrator.engine.journal import EntryKind, Json
from orchestrator.engine.journal_problems import problems_told
from orchestrator.engine.keeper import Keeper
from orchestrator.engine.left import unwell
from orchestrator.engine.means import Means
from orchestrator.engine.record import RunRecord, encode
from orchestrator.engine.report import RunEnd, RunReport
from orchestrator.engine.run import run_plan
from orchestrator.engine.tenure import Tenure
from orchestrator.errors import Problem
from orchestrator.fleet.observed import Look, Unseen
from orchestrator.fleet.presence import Presence
from orchestrator.fleet.unit import Unit
from orchestrator.inventory.model import Inventory
from orchestrator.planning.asked import OnFailure
from orchestrator.planning.lost import counted
from orchestrator.planning.plan import Action, Plan
from orchestrator.planning.plan_file import SavedPlan
from orchestrator.planning.progress import NOTHING, Believed, is_prepared, not_back, progress
from orchestrator.planning.restoring import formers, not_restored, restore_plan
from orchestrator.planning.scope import look_before
from orchestrator.planning.selection import dependents
from orchestrator.planning.sharing import with_all_uses, with_uses
from orchestrator.procedures.book import Book, Limits
from orchestrator.procedures.effects import StoredConfig
from orchestrator.procedures.hold import Goal, Hold, Phase
from orchestrator.procedures.last_look import broken_since, questions, unanswered
from orchestrator.procedures.last_words import add_last_words
from orchestrator.procedures.owed import Owed, change_owed
from orchestrator.procedures.told import announced as has_receipt
from orchestrator.sources.model import Sourced

Sources = Mapping[Unit, Sourced]
_LIMITS = Limits()
_MOST_HEARD = 3
"""Of so many units that broke later the last words are read: each may cost seconds."""


class Session:
    """Carries out one run, from its beginning or from where another process left it."""

    def __init__(
        self,
        means: Means,
        inventory: Inventory,
        record: RunRecord,
        *,
        former: Sources,
        limits: Limits = _LIMITS,
    ) -> None:
        """Do nothing yet.

        Args:
            means: what it is carried out with.
            inventory: everything that is declared.
            record: the run as its lock keeps it.
            former: sources at the revisions that ran before; may be {} unless the run restores.
            limits: what preflight asks for.

        """
        self._means = means
        self._declared = inventory
        self._inventory, _ = with_uses(inventory, record.plan.uses)
        self._record = record
        self._former = former
        self._limits = limits
        self._site = inventory.coordinator
        self._tenure = Tenure(means, self._site, record)
        self._herald = Herald(means, inventory, record, self._tenure)

    def begin(self, sourced: Sources, saved: SavedPlan | None = None) -> RunEnd:
        """Take the lock and carry out a new run: `saved`'s, if it applies a saved plan.

        Raises:
            JournalError: the journal cannot be written; nothing was touched.
            RefusedError: the record is too large for a Swarm; nothing was touched.

        """
        data = encode(self._record)
        if self._record.on_failure is OnFailure.RESTORE and (no := self._unknown_formers()):
            return self._end(*no)
        taken = self._tenure.begin(data)
        if isinstance(taken, Problem):
            return self._ended(self._end(taken))
        lock, hold = taken
        if problem := self._moved() or self._admit(saved):
            self._tenure.release(lock)
            return self._ended(self._end(problem))
        if problem := self._owe_left_out():
            self._take_back()
            self._tenure.release(lock)
            return self._ended(self._end(problem))
        return self._forward(lock, hold, sourced, frozenset())

    def go_on(
        self,
        lock: StoredConfig,
        hold: Hold,
        sourced: Sources,
        *,
        wait_seconds: float,
        announced: str = "",
        away: Mapping[str, Look] = NOBODY_AWAY,
        believed: Believed = NOTHING,
    ) -> RunEnd:
        """Resume a run that another process, or an earlier one here, left.

        Args:
            lock: the lock as it was read.
            hold: what its labels say.
            sourced: sources at the plan's revisions.
            wait_seconds: let what the former holder was about to begin begin first, for so
                long, so that it is seen: WAIT_OUT_SECONDS where it may live.
            announced: where and by whom the downtime was announced, "" if by nobody but dtdeploy.
            away: sites that could not be seen a moment ago; each is tried when its turn comes.
            believed: what of the labels counts though nothing that is seen agrees.

        Raises:
            JournalError: the journal cannot be written; nothing was touched.

        """
        hold = by_hand(hold, announced, self._means.wall())
        if hold.goal is Goal.RESTORE:
            return self.go_back(lock, hold, wait_seconds=wait_seconds)
        taken = self._tenure.take_over(
            lock, hold, Goal.FORWARD, wait_seconds=wait_seconds, signs=believed.labels
        )
        if isinstance(taken, Problem):
            return self._ended(self._end(taken))
        held, mine = self._herald.resumed(*taken, str(hold.holder))
        if problem := self._owe_left_out():
            return self._keep(held, mine, self._end(problem))
        plan = self._record.plan
        sites = [item.unit.site for item in plan.units]
        looks = counted(plan, look_at(self._means.backend, sites, away))
        far = progress(
            plan,
            hold.run,
            looks,
            recorded=hold.done,
            touched=hold.touched,
            announced=has_receipt(mine.told),
            believed=believed,
        )
        # What nothing speaks for must not become ours, and be signed, by being written again.
        mine = replace(mine, done=mine.done & believed.done, touched=far.touched)
        self._tenure.sign()
        return self._forward(held, mine, sourced, far.done, away=_unseen(looks))

    def go_back(self, lock: StoredConfig, hold: Hold, *, wait_seconds: float) -> RunEnd:
        """Bring back what ran before an unfinished run; arguments and errors as for `go_on`."""
        taken = self._tenure.take_over(lock, hold, Goal.RESTORE, wait_seconds=wait_seconds)
        if isinstance(taken, Problem):
            return self._ended(self._end(taken))
        return self._restore(*self._herald.resumed(*taken, str(hold.holder)), None)

    def give_up(self, lock: StoredConfig, hold: Hold, *, wait_seconds: float) -> RunEnd:
        """End an unfinished run where it stands and release its lock: how a lock is broken.

        What the run should have brought up and is not up and well becomes owed, so that
        everybody on every machine sees it. The lock is held until the former holder can begin
        nothing more: nobody else's run may meet its last effects.

        Arguments and errors as for `go_on`.
        """
        taken = self._tenure.take_over(lock, hold, hold.goal, wait_seconds=wait_seconds)
        if isinstance(taken, Problem):
            return self._ended(self._end(taken))
        held, mine = taken
        left: tuple[Unit, ...] = ()
        if hold.touched:
            plan = self._record.plan
            looks = self._looks(plan)
            left = not_back(self._inventory, plan, looks, hold.run, recorded=hold.done)
        owed = self._as_owed(dict.fromkeys(left, f"run {self._record.run} was given up"))
        problem = self._owe(owed, frozenset()) if hold.touched else self._take_back()
        if problem is not None:
            return self._keep(held, mine, self._end(problem))
        why = f"it was given up by {mine.holder}"
        fix = typed("up", "--owed") if owed else ""
        held, _ = self._herald.failed(held, mine, down=left, problem=why, fix=fix)
        self._tenure.release(held)
        return self._ended(replace(self._end(), owed=owed))

    # Before

    def _unknown_formers(self) -> tuple[Problem, ...]:
        known = formers(self._inventory, self._record.plan)
        return tuple(nobody_knows_former(unit, self._record.run) for unit in known.unknown)

    def _moved(self) -> Problem | None:
        """Look again, now that nobody else may act, whether the fleet is what was planned for."""
        plan = self._record.plan
        # Seen as when it was planned, tasks that somebody answered for included.
        looks = look_at(self._means.backend, [item.unit.site for item in plan.units])
        differences = []
        for item in plan.units:
            if item.action is Action.KEEP:
                continue
            now = look_before(item.unit, self._inventory.spec(item.unit), looks[item.unit.site])
            was = item.before
            if now.presence is Presence.UNKNOWN:
                continue
            if (now.presence, now.revision, now.services) != (
                was.presence,
                was.revision,
                was.services,
            ):
                differences.append(f"{item.unit} is {now.presence.value}, was {was.presence.value}")
        return fleet_moved(tuple(differences)) if differences else None

    def _admit(self, saved: SavedPlan | None) -> Problem | None:
        return admit(self._means, self._inventory, self._record, saved) if saved else None

    def _owe_left_out(self) -> Problem | None:
        left = {item.unit: item.reason for item in self._record.plan.left_out}
        return self._owe(self._as_owed(left), frozenset()) if left else None

    def _as_owed(self, units: Mapping[Unit, str]) -> tuple[Owed, ...]:
        now, run = self._means.wall(), self._record.run
        return tuple(Owed(unit=u, run=run, since=now, reason=why) for u, why in units.items())

    def _owe(self, owed: tuple[Owed, ...], settled: frozenset[Unit]) -> Problem | None:
        change = change_owed(self._site, add=owed, settle=settled)
        return self._tenure.note("what is owed to be written down", change)

    def _take_back(self) -> Problem | None:
        """Take off again what this run wrote down before it came to nothing."""
        left = frozenset(item.unit for item in self._record.plan.left_out)
        applied = give_back(self._means, self._site, self._record)
        change = change_owed(self._site, settle=left, of_run=self._record.run)
        owed = self._tenure.note("what is owed to be taken back", change) if left else None
        return applied or owed

    def _looks(self, plan: Plan) -> dict[str, Look]:
        return self._seen([item.unit.site for item in plan.units])

    def _seen(self, sites: Iterable[str]) -> dict[str, Look]:
        """Look, and leave out what somebody answered for as long as nobody can see it."""
        return counted(self._record.plan, look_at(self._means.backend, sites))

    def _looks_around(self, plan: Plan) -> dict[str, Look]:
        """Look at every site of the plan, and of whatever depends on its units."""
        units = frozenset(item.unit for item in plan.units)
        around = units | dependents(self._inventory, units)
        return self._seen(sorted({unit.site for unit in around}))

    # Carrying out

    def _forward(
        self,
        lock: StoredConfig,
        hold: Hold,
        sourced: Sources,
        done: frozenset[str],
        *,
        away: frozenset[str] = frozenset(),
    ) -> RunEnd:
        plan = self._record.plan
        hold = replace(hold, done=hold.done | done)
        book = self._book(plan, self._record.run, sourced, hold)
        book = replace(book, prepared=is_prepared(plan, done), away=away)
        keeper, report = self._carry(book, lock, hold, done)
        end = replace(self._end(), report=report)
        if keeper.lost is not None:
            return self._ended(end)
        ending = judge_ending(plan, report, touched=keeper.hold.touched)
        failed = ending.how in (How.OWING, How.UNFINISHED) and not report.interrupted
        if failed and self._record.on_failure is OnFailure.RESTORE:
            back = replace(keeper.hold, goal=Goal.RESTORE)
            turned = self._tenure.write(keeper.lock, back)
            if isinstance(turned, StoredConfig):
                return self._restore(turned, back, report)
        return self._close(keeper, book, report, end)

    def _restore(self, lock: StoredConfig, hold: Hold, report: RunReport | None) -> RunEnd:
        run, former = self._record.run, self._record.plan
        looks = self._looks_around(former)
        inventory = with_all_uses(self._declared, former.uses, looks, self._former)
        plan = self._way_back(inventory, looks)
        left = not_restored(inventory, former, looks=looks, sourced=self._former)
        problems = (
            *self._unknown_formers(),
            *(left_as_it_is(unit, other) for unit, other in left.items()),
        )
        hold = replace(hold, phase=Phase.PREPARING)
        book = self._book(plan, f"{run}-back", self._former, hold)
        book = replace(book, inventory=inventory, away=_unseen(looks))
        keeper, restored = self._carry(book, lock, hold, frozenset())
        end = replace(self._end(*problems), report=report, way_back=plan, restored=restored)
        if keeper.lost is not None:
            return self._ended(end)
        return self._close(keeper, book, restored, end, left=unwell(self._inventory, left, looks))

    def _way_back(self, inventory: Inventory, looks: Mapping[str, Look]) -> Plan:
        record = self._record
        return restore_plan(
            inventory,
            record.plan,
            looks=looks,
            sourced=self._former,
            selection=f"rollback {record.run}",
        )

    def _book(self, plan: Plan, run: str, sourced: Sources, hold: Hold) -> Book:
        means = self._means
        return Book(
            run=run,
            inventory=self._inventory,
            plan=plan,
            sourced=sourced,
            limits=self._limits,
            words=self._record.words,
            teller=str(means.holder),
            told=hold.told,
            wall_offset=means.wall() - means.backend.now(),
        )

    def _carry(
        self, book: Book, lock: StoredConfig, hold: Hold, done: frozenset[str]
    ) -> tuple[Keeper, RunReport]:
        means, plan = self._means, book.plan
        keeper = self._keeper(lock, hold)
        units = frozenset(self._herald.units)
        custodian = Custodian(plan, keeper, means.journal, means.wall, announced=units)
        report = run_plan(
            plan,
            means.backend,
            lambda step: means.start(book, step),
            means.listen(plan),
            means.stop_asked,
            custodian=custodian,
            done=done,
        )
        if (trouble := keeper.unreachable(means.backend.now())) is not None:
            self._tenure.give_up(trouble)
        return keeper, report

    def _keeper(self, lock: StoredConfig, hold: Hold) -> Keeper:
        return Keeper(self._site, lock, hold, self._record.plan.steps, self._tenure.signer)

    # After

    def _close(
        self,
        keeper: Keeper,
        book: Book,
        report: RunReport,
        end: RunEnd,
        *,
        left: Mapping[Unit, str] = MappingProxyType({}),
    ) -> RunEnd:
        """Write down what is owed, then release the lock, or keep it where that is safer.

        `left` are units that become owed besides those that the report tells of, and why.
        """
        ending = judge_ending(book.plan, report, touched=keeper.hold.touched)
        if ending.how is How.UNFINISHED:
            fix = typed("resume", self._record.run)
            return self._keep(*self._herald.closed(keeper.lock, keeper.hold, ending, end, fix), end)
        untouched = ending.how is How.UNTOUCHED
        if not untouched:
            end = replace(end, problems=(*end.problems, *self._fallen(book, report, left)))
        # A run that is another's by now has other things that are owed.
        held = self._tenure.write(keeper.lock, keeper.hold)
        if held is None:
            session = self._means.holder.session
            lost = lock_lost(self._site, session, "somebody took it over, or broke it")
            return self._ended(end.having(lost))
        if isinstance(held, Problem):
            return self._keep(keeper.lock, keeper.hold, end.having(held))
        owed = () if untouched else self._as_owed({**left, **ending.owed})
        problem = self._take_back() if untouched else self._owe(owed, ending.settled)
        if problem is not None:
            return self._keep(held, keeper.hold, end.having(problem))
        fix = typed("up", "--owed") if owed else ""
        held, _ = self._herald.closed(held, keeper.hold, ending, end, fix)
        self._tenure.release(held)
        return self._ended(replace(end, owed=owed))

    def _fallen(
        self, book: Book, report: RunReport, told: Mapping[Unit, str]
    ) -> tuple[Problem, ...]:
        """Return what should run and is not well, the first few with their tasks' last words.

        Of the units in `told` that is known already.
        """
        if self._tenure.unreachable is not None:
            # The run is kept, and whoever goes on with it looks again.
            return ()
        looks = self._looks(book.plan)
        asked = questions(book, report.steady, looks)
        answers = probe_all(self._means.backend, [effect for _, effect in asked])
        fallen = tuple(
            problem
            for problem in (
                *broken_since(book, report.steady, looks),
                *unanswered(book, asked, answers),
            )
            if Unit(stack=problem.where.stack, site=problem.where.site) not in told
        )
        heard = tuple(
            carry_alone(self._means.backend, add_last_words(problem, looks.get(problem.where.site)))
            for problem in fallen[:_MOST_HEARD]
        )
        return heard + fallen[_MOST_HEARD:]

    def _keep(self, lock: StoredConfig, hold: Hold, end: RunEnd) -> RunEnd:
        self._tenure.keep(lock, hold)
        return self._ended(replace(end, kept=True))

    def _ended(self, end: RunEnd) -> RunEnd:
        unsaid = tuple(self._herald.unsaid)
        stalled = self._means.stalled()
        beyond_steps = (*self._tenure.problems, *((stalled,) if stalled else ()))
        end = replace(end.having(*beyond_steps), unsaid=unsaid)
        reports = [r for r in (end.report, end.restored) if r is not None]
        beyond = (problem for report in reports for problem in report.beyond)
        owed: dict[str, Json] = {str(item.unit): item.reason for item in end.owed}
        body: dict[str, Json] = {"exit": int(end.exit_code), "kept": end.kept}
        body |= problems_told((*end.problems, *beyond)) | ({"owed": owed} if owed else {})
        self._tenure.log(EntryKind.CLOSED, body)
        return end

    def _end(self, *problems: Problem) -> RunEnd:
        record = self._record
        return RunEnd(run=record.run, plan=record.plan, problems=problems, words=record.words)


def _unseen(looks: Mapping[str, Look]) -> frozenset[str]:
    return frozenset(site for site, look in looks.items() if isinstance(look, Unseen))
