"""Secrets planted everywhere, and every command's output and files searched for them."""

import html
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from orchestrator.cli.applying import follow_plan
from orchestrator.cli.carry_out import follow, only_examine, run_book
from orchestrator.cli.differing import fleet_drift
from orchestrator.cli.fleet_status import fleet_status
from orchestrator.cli.journals import JournalFolder
from orchestrator.cli.main import run
from orchestrator.cli.planning import draw, make_book
from orchestrator.cli.reports import ReportFolder
from orchestrator.cli.saving import read_plan, save_plan
from orchestrator.errors import DtdeployError, ExitCode
from orchestrator.fleet.observed import Fact, Service, Sight, Task
from orchestrator.fleet.running import LABEL_RUN
from orchestrator.fleet.unit import Unit
from orchestrator.planning.asked import Asked
from orchestrator.planning.plan import Command
from orchestrator.planning.selection import Request
from orchestrator.procedures.effects import (
    Answer,
    CheckedImages,
    Examination,
    ProbeResult,
    Result,
)
from orchestrator.simulation.backend import SimulatedBackend
from orchestrator.simulation.behaviour import Behaviour, Kind
from orchestrator.simulation.faults import Fault, FaultKind, inject
from orchestrator.simulation.fleet import SimulatedFleet
from orchestrator.sources.model import Release, ReleaseFile, Sourced
from orchestrator.swarm.redaction import Redaction
from orchestrator.ui.form import Form
from orchestrator.ui.mode import Mode
from orchestrator.words.markdown import code
from tests.canaries import CANARIES, KNOWN, NAMES, docker_says, files_below, found_in, readable
from tests.cli.desk import Desk, order
from tests.simulated import ALL, Simulated, simulated

ROOT = Path(__file__).parent.parent.parent
SAYS = docker_says()
KKO = Unit(stack="datatrail-client", site="kko")
FACTS = (
    Fact("container label", "owner", CANARIES["container-label"]),
    Fact("environment", "API", CANARIES["environment-running"]),
)
DECLARED = Fact("environment", "API", CANARIES["environment-declared"])


class Leaky(SimulatedBackend):
    """Docker repeats every secret that it was given, in all that it says and shows.

    What it says passes the same gate as on the way from a real Swarm.
    """

    def __init__(self, fleet: SimulatedFleet) -> None:
        super().__init__(fleet)
        self._gate = Redaction(KNOWN)

    def wait(self, until: float | None) -> tuple[int, object] | None:
        answered = super().wait(until)
        if answered is None:
            return None
        token, seen = answered
        return token, self._gate.of(tainted(seen))  # type: ignore[arg-type]  # what a site says


def tainted(seen: object) -> object:
    """Return what was seen, with secrets wherever others' words and values are."""
    match seen:
        case Sight():
            services = tuple(map(_service, seen.services))
            return replace(seen, services=services, tasks=tuple(map(_task, seen.tasks)))
        case Examination():
            sight = tainted(seen.sight)
            assert isinstance(sight, Sight)
            images = tuple(replace(check, words=SAYS) for check in seen.images)
            return replace(seen, sight=sight, images=images)
        case CheckedImages():
            return replace(seen, images=tuple(replace(c, words=SAYS) for c in seen.images))
        case Answer() | ProbeResult():
            return replace(seen, words=f"{seen.words} {SAYS}")
        case _:
            return seen


def _service(service: Service) -> Service:
    labels = (*service.labels, ("team.key", CANARIES["label"]))
    message = f"{service.update_message} {SAYS}" if service.update_message else ""
    of_ours = dict(service.labels).get(LABEL_RUN, "").startswith("run-0")
    facts = (DECLARED,) if of_ours else FACTS
    return replace(service, labels=labels, update_message=message, facts=facts)


def _task(task: Task) -> Task:
    return replace(task, error=f"{task.error}: {SAYS}" if task.error else "", message=SAYS)


def planted(sourced: Sourced) -> Sourced:
    """Return a unit's files and facts with secrets in them."""
    text = f"environment: {{API: '{CANARIES['environment-declared']}'}}"
    files = (
        *sourced.release.files,
        ReleaseFile(path="more.yaml", content=text.encode()),
        ReleaseFile(path="app.conf", content=CANARIES["config"].encode()),
        ReleaseFile(path="app.key", content=CANARIES["secret"].encode()),
    )
    release: Release = replace(sourced.release, files=files)
    services = tuple(replace(s, facts=(DECLARED,)) for s in sourced.desired.services)
    return replace(sourced, release=release, desired=replace(sourced.desired, services=services))


@dataclass(slots=True, kw_only=True)
class Leaks:
    """A desk in front of a fleet that tells all secrets, and what was said there so far."""

    desk: Desk
    folder: Path
    said: str = ""

    @property
    def shared(self) -> Simulated:
        return self.desk.shared

    def does(self, act: Callable[[], object]) -> object:
        """Do something, and keep what it said, refusals too."""
        try:
            return act()
        except DtdeployError as error:
            self.desk.talk().problems(error.problems)
            return error.exit_code
        finally:
            self.said += self.desk.said()

    def everything(self) -> Iterator[tuple[str, str]]:
        """Yield all that was said and written: screens, files, what a Swarm keeps."""
        yield "screens", self.said
        for path, text in files_below(self.folder):
            yield str(path), text
        for site in self.shared.fleet.sites.values():
            for config in site.swarm.configs.values():
                if config.name.startswith("dtdeploy."):
                    yield config.name, readable(config.data) + str(config.labels)


@pytest.fixture(params=[Mode.LINES, Mode.JSON], ids=["lines", "json"])
def leaks(tmp_path: Path, request: pytest.FixtureRequest) -> Leaks:
    shared = simulated(generation=2)
    shared.sources = {unit: planted(source) for unit, source in shared.sources.items()}
    shared.backend = Leaky(shared.fleet)
    desk = Desk(
        shared=shared,
        journals=JournalFolder(tmp_path / "runs"),
        reports=ReportFolder(tmp_path / "reports"),
        mode=request.param,
    )
    return Leaks(desk=desk, folder=tmp_path)


def plans(leaks: Leaks) -> None:
    world = leaks.desk.world()
    asked = Asked(command=Command.RESTART, request=ALL)
    drawn = draw(world, asked)
    head = save_plan(world, asked, drawn, leaks.folder / "p.json", lifetime=9e4, force=True)
    for form in Form:
        world.talk.plan(drawn.book.plan, form=form, saved=head)
    world.talk.drift(fleet_drift(leaks.desk.world(), ALL, {}))


def looks(leaks: Leaks) -> None:
    world = leaks.desk.world()
    world.talk.status(fleet_status(world))
    book = make_book(world, Command.RESTART, ALL, {})
    run_book(world, replace(book, plan=only_examine(book.plan)))


def applies(leaks: Leaks) -> ExitCode:
    path = leaks.folder / "p.json"
    return follow_plan(
        leaks.desk.world(), read_plan(path), path, lock_wait=0, asks=False, dry_run=False
    )


def crashes(leaks: Leaks, kind: Kind) -> None:
    fault = Fault(
        at=leaks.shared.fleet.clock.now,
        kind=FaultKind.BEHAVE,
        site="kko",
        stack="datatrail-client",
        behaviour=Behaviour(kind=kind),
    )
    inject(leaks.shared.fleet, fault)


def test_no_secret_is_said_or_written_by_any_command(leaks: Leaks) -> None:
    leaks.does(lambda: plans(leaks))
    leaks.does(lambda: looks(leaks))
    assert leaks.does(lambda: applies(leaks)) == ExitCode.DONE
    crashes(leaks, Kind.CRASH_LOOP)
    request = Request(units=(str(KKO),))
    failed = leaks.does(lambda: follow(leaks.desk.world(), order(request=request)))
    assert failed == ExitCode.UNHEALTHY
    leaks.does(lambda: looks(leaks))
    leaks.does(lambda: plans(leaks))
    assert len(leaks.said) > 10_000
    reports = sorted((leaks.folder / "reports").iterdir())
    assert [path.suffix for path in reports] == [".html", ".json", ".md"] * 2
    for place, text in leaks.everything():
        assert found_in(text) == set(), place


def refused_by_docker(seen: object) -> object:
    return replace(seen, result=Result.FAILED) if isinstance(seen, Answer) else seen


def test_no_secret_is_left_where_docker_refuses_a_deploy(
    leaks: Leaks, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend = leaks.shared.backend
    waits = backend.wait

    def refusing(until: float | None) -> tuple[int, object] | None:
        answered = waits(until)
        return None if answered is None else (answered[0], refused_by_docker(answered[1]))

    monkeypatch.setattr(backend, "wait", refusing)
    code = leaks.does(lambda: follow(leaks.desk.world(), order()))
    assert code != ExitCode.DONE
    for place, text in leaks.everything():
        assert found_in(text) == set(), place


def test_the_canaries_would_be_found() -> None:
    """Docker's words as they are hold what they are to hold; the rest stands in files."""
    spoken = found_in(SAYS)
    assert {"variable", "variable-in-base64", "variable-in-json", "json", "bearer"} <= spoken
    for name in NAMES:
        for other in NAMES:
            assert (name in found_in(f"x {CANARIES[other]} y")) == (name == other)
        assert found_in(html.escape(CANARIES[name])) == {name}
        assert found_in(code(CANARIES[name])) == {name}
    assert found_in(str(tainted(Answer(result=Result.OK, at=0.0))))


def test_no_secret_of_an_inventory_is_repeated(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(ROOT / "stacks", tmp_path / "stacks")
    text = (ROOT / "sites.yaml").read_text(encoding="utf-8")
    url = f"https://bot:{CANARIES['repo-url'].replace('/', '')}@git.example/x"
    lines = [f"    url: '{url}'" if "url:" in line else line for line in text.splitlines()]
    lines = [
        f"announce: ['slack://{CANARIES['announce']}/x']" if li.startswith("announce") else li
        for li in lines
    ]
    (tmp_path / "sites.yaml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    for words in (["inventory", "check"], ["plan", "--all"], ["--json", "status"]):
        code = run(["-i", str(tmp_path / "sites.yaml"), *words])
        said = capsys.readouterr()
        assert code == ExitCode.INVENTORY_INVALID
        for name in ("repo-url", "announce"):
            assert CANARIES[name].replace("/", "")[:12] not in said.out + said.err, name


@pytest.mark.parametrize(
    ("words", "ends"),
    [
        (["inventory", "show"], ExitCode.DONE),
        (["--json", "inventory", "show"], ExitCode.DONE),
        (["plan", "--all", "--as-commands"], ExitCode.DONE),
        (["--json", "plan", "--all"], ExitCode.SOURCE_FAILED),
        (["plan", "--all"], ExitCode.SOURCE_FAILED),
    ],
)
def test_a_token_that_is_a_user_of_a_repository_is_not_repeated(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    words: list[str],
    ends: ExitCode,
) -> None:
    for folder in ("STATE", "CACHE"):
        monkeypatch.setenv(f"XDG_{folder}_HOME", str(tmp_path / folder))
    shutil.copytree(ROOT / "stacks", tmp_path / "stacks")
    text = (ROOT / "sites.yaml").read_text(encoding="utf-8")
    url = "https://ghp_canary0123@127.0.0.1:1/x"
    lines = [f"    url: {url}" if "  url:" in line else line for line in text.splitlines()]
    (tmp_path / "sites.yaml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    assert run(["-i", str(tmp_path / "sites.yaml"), *words]) == ends
    said = capsys.readouterr()
    assert "127.0.0.1:1/x" in said.out + said.err
    assert "canary0123" not in said.out + said.err
    for path, written in files_below(tmp_path / "STATE", tmp_path / "CACHE"):
        assert "canary0123" not in written, path
