"""From a journal's entries to a Timeline. Pure."""

import base64
import json
from binascii import Error as NotBase64
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from hashlib import sha256

from pydantic import TypeAdapter

from orchestrator.engine.journal import Entry, EntryKind, Json
from orchestrator.engine.journal_problems import problems_in
from orchestrator.engine.record import RunRecord, decode
from orchestrator.errors import ExitCode
from orchestrator.planning.plan import Plan
from orchestrator.report.timeline import Deed, How, Life, Outcome, Timeline, Trouble
from orchestrator.report.tracks import Tracks

_PLAN = TypeAdapter(Plan)
_OUTCOMES = {
    ExitCode.DONE: Outcome.DONE,
    ExitCode.RESTORED: Outcome.RESTORED,
    ExitCode.INTERRUPTED: Outcome.INTERRUPTED,
}
_SHOWN_ELSEWHERE = frozenset({"effect", "unit", "site", "result", "words"})


def timeline(entries: Iterable[Entry]) -> Timeline | None:
    """Return what a run's journal tells; None for one that tells of no run.

    Raises:
        RefusedError: the run's record cannot be read.

    """
    told = tuple(_forward(entries))
    record = next((_record(entry.body) for entry in told if "record" in entry.body), None)
    return None if record is None else _Reader(record, told).read()


def merged(journals: Iterable[Iterable[Entry]]) -> tuple[Entry, ...]:
    """Return the entries of several journals of one run as they came, by their clock."""
    every = [entry for entries in journals for entry in entries]
    return tuple(sorted(every, key=lambda entry: entry.at))


def digest(plan: Plan) -> str:
    """Return what tells two plans apart: SHA-256 of the plan as JSON in its canonical form."""
    body = _PLAN.dump_python(plan, mode="json")
    text = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return sha256(text.encode()).hexdigest()


def _forward(entries: Iterable[Entry]) -> Iterator[Entry]:
    """Yield entries with times that never go back, whatever the clock did."""
    latest: float | None = None
    for entry in entries:
        latest = entry.at if latest is None else max(latest, entry.at)
        yield replace(entry, at=latest)


def _record(body: Mapping[str, Json]) -> RunRecord:
    try:
        data = base64.b64decode(str(body["record"]))
    except NotBase64:
        data = b""
    return decode(data)


class _Reader:
    def __init__(self, record: RunRecord, entries: tuple[Entry, ...]) -> None:
        self._record = record
        self._entries = entries
        self._opened = [e for e in entries if e.kind is EntryKind.OPENED]
        whole = _how(self._opened[0].body) is How.BEGUN
        self._tracks = Tracks(record.plan, entries[0].at, whole=whole)
        self._whole = whole
        self._lives: list[Life] = []
        self._deeds: list[Deed] = []
        self._open: dict[tuple[str, str], int] = {}
        self._troubles: list[Trouble] = []
        self._skipped: dict[str, str] = {}
        self._owed: dict[str, str] = {}
        self._held = False

    def read(self) -> Timeline:
        for entry in self._entries:
            self._take(entry)
            if self._lives:
                self._lives[-1] = replace(self._lives[-1], ended=entry.at)
        ended = self._entries[-1].at
        if self._lives[-1].exit is None:
            self._tracks.left(ended)
        followed = tuple(self._tracks.close(ended))
        return Timeline(
            record=self._record,
            plan_sha256=digest(self._record.plan),
            began=self._entries[0].at,
            ended=ended,
            whole=self._whole,
            outcome=self._outcome(),
            lives=tuple(self._lives),
            tracks=tuple(track for track, _ in followed),
            outages=tuple(outage for _, outages in followed for outage in outages),
            troubles=tuple(self._troubles),
            deeds=tuple(self._deeds),
            skipped=tuple(self._skipped.items()),
            owed=tuple(self._owed.items()),
        )

    def _outcome(self) -> Outcome:
        last = self._lives[-1]
        broken = [n for n, life in enumerate(self._lives) if life.how is How.BROKEN]
        if broken and len(self._lives) - broken[-1] <= 2:  # noqa: PLR2004 - broken, then given up
            return Outcome.GIVEN_UP
        if last.exit is None:
            return Outcome.NO_END
        if not self._held:
            return Outcome.NOT_BEGUN
        return next((o for code, o in _OUTCOMES.items() if code == last.exit), Outcome.FAILED)

    def _take(self, entry: Entry) -> None:
        match entry.kind:
            case EntryKind.OPENED:
                self._opens(entry)
            case EntryKind.LOCK:
                self._locks(entry)
            case EntryKind.INTENDED:
                self._intends(entry)
            case EntryKind.OBSERVED:
                self._observes(entry)
            case EntryKind.STEP:
                self._steps(entry)
            case EntryKind.CLOSED:
                self._closes(entry)

    def _opens(self, entry: Entry) -> None:
        if self._lives and self._lives[-1].exit is None:
            self._tracks.left(self._lives[-1].ended)
        life = Life(
            how=_how(entry.body),
            by=str(entry.body.get("by", "")),
            began=entry.at,
            ended=entry.at,
            because=str(entry.body.get("because", "")),
        )
        self._lives.append(life)

    def _locks(self, entry: Entry) -> None:
        words = str(entry.body.get("lock", ""))
        self._held = self._held or words.startswith("taken")
        down = entry.body.get("down")
        if isinstance(down, Mapping):
            for unit, since in down.items():
                self._tracks.was_down(unit, float(str(since)))
        former = entry.body.get("from")
        details = (("from", str(former)),) if former else ()
        deed = Deed(at=entry.at, step="", what=f"lock {words}", on="", details=details)
        self._deeds.append(deed)

    def _intends(self, entry: Entry) -> None:
        body = entry.body
        what = str(body.get("effect", ""))
        on = str(body.get("unit", body.get("site", "")))
        details = tuple((k, str(v)) for k, v in body.items() if k not in _SHOWN_ELSEWHERE)
        self._open[entry.step, what] = len(self._deeds)
        self._deeds.append(Deed(at=entry.at, step=entry.step, what=what, on=on, details=details))
        self._tracks.sent(entry.step, entry.at)

    def _observes(self, entry: Entry) -> None:
        place = self._open.pop((entry.step, str(entry.body.get("effect", ""))), None)
        if place is not None:
            deed = self._deeds[place]
            self._deeds[place] = replace(
                deed,
                result=str(entry.body.get("result", "")),
                words=str(entry.body.get("words", "")),
                seconds=entry.at - deed.at,
            )

    def _steps(self, entry: Entry) -> None:
        state, words = entry.body.get("state"), str(entry.body.get("words", ""))
        problems = problems_in(entry.body)
        self._skipped.pop(entry.step, None)
        match state:
            case "started":
                self._tracks.started(entry.step, entry.at)
            case "done":
                self._tracks.done(entry.step, entry.at, words)
            case "failed":
                why = problems[0].what if problems else _codes(entry.body)
                self._tracks.failed(entry.step, entry.at, why)
            case "stopped":
                self._tracks.left(entry.at, entry.step)
            case "skipped":
                self._skipped[entry.step] = str(entry.body.get("because", ""))
        self._trouble(entry)

    def _closes(self, entry: Entry) -> None:
        code = entry.body.get("exit")
        if self._lives:
            self._lives[-1] = replace(
                self._lives[-1],
                exit=code if isinstance(code, int) else None,
                kept=entry.body.get("kept") is True,
            )
        self._tracks.left(entry.at)
        owed = entry.body.get("owed")
        self._owed = {u: str(why) for u, why in owed.items()} if isinstance(owed, Mapping) else {}
        self._trouble(entry)

    def _trouble(self, entry: Entry) -> None:
        self._troubles += [
            Trouble(at=entry.at, step=entry.step, problem=problem)
            for problem in problems_in(entry.body)
        ]


def _how(body: Mapping[str, Json]) -> How:
    said = body.get("how")
    return next((how for how in How if how.value == said), How.BEGUN)


def _codes(body: Mapping[str, Json]) -> str:
    codes = body.get("problems")
    return ", ".join(str(code) for code in codes) if isinstance(codes, list | tuple) else ""
