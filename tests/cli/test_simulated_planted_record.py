"""Records and labels that somebody wrote who can write configs, and no dtdeploy did."""

import json
from dataclasses import dataclass, field, replace
from io import StringIO

import click
import pytest

from orchestrator.cli.resuming import resume_in
from orchestrator.engine.alone import carry_alone
from orchestrator.fleet.unit import Unit
from orchestrator.procedures.asking import ask_config
from orchestrator.procedures.effects import CreateConfig
from orchestrator.procedures.signature import RecordKey
from orchestrator.simulation.happening import Happening, What
from orchestrator.ui.mode import Mode
from tests.cli.desk import Desk
from tests.hamlet import DAEMONS, SERVER, hamlet
from tests.planting import RUN, lock_of, plant, record_of, relabel
from tests.simulated import Simulated, simulated
from tests.states.keyboard import Keyboard, Typed, When
from tests.states.reader import offers

KEY, OTHER = RecordKey(b"k" * 32), RecordKey(b"o" * 32)
REQUIRED = replace(hamlet(), record_key_required=True)


@dataclass(slots=True)
class Scene:
    """A fleet that is well, and somebody at a machine that knows of no run."""

    keyed: RecordKey | None = None
    required: bool = False
    shared: Simulated = field(init=False)
    keyboard: Keyboard = field(init=False)
    went_down: list[Unit] = field(default_factory=list)

    def __post_init__(self) -> None:
        inventory = REQUIRED if self.required else hamlet()
        self.shared = simulated(inventory=inventory, generation=2)
        self.keyboard = self.machine(self.keyed)
        self.shared.fleet.subscribe(self._note)

    def machine(self, key: RecordKey | None, name: str = "ops") -> Keyboard:
        return Keyboard(desk=Desk(shared=self.shared, name=name, key=key))

    def _note(self, seen: Happening) -> None:
        if seen.what is What.SERVICE_REMOVED:
            self.went_down.append(Unit(stack=seen.stack, site=seen.site))

    def type(self, line: str) -> Typed:
        return self.keyboard.type(line)


def test_labels_that_belittle_the_record_are_refused_and_the_record_is_shown() -> None:
    scene = Scene()
    plant(scene.shared, record_of(scene.shared), words="restart app-edge@far")
    refused = scene.type("dtdeploy resume --yes")
    assert (refused.code, scene.went_down) == (20, [])
    assert "lock.labels-differ" in refused.screen
    shown = scene.type("dtdeploy lock").screen
    assert "of ana@laptop: dtdeploy down --all" in shown
    assert "down  " in shown
    (line,) = offers(refused.screen)
    broken = scene.type(line)
    assert (broken.code, scene.went_down) == (0, [])
    assert lock_of(scene.shared) is None


@pytest.mark.parametrize("verb", ["resume", "rollback"])
def test_a_record_that_nothing_vouches_for_is_named_by_its_digest_or_read(verb: str) -> None:
    scene = Scene()
    plant(scene.shared, record_of(scene.shared))
    refused = scene.type(f"dtdeploy {verb} {RUN} --yes")
    assert (refused.code, scene.went_down) == (20, [])
    assert "lock.record-unread" in refused.screen
    assert "take down 6 units at" in " ".join(refused.screen.split())
    digest = scene.keyboard.desk.digest()
    first, *_ = offers(refused.screen)
    assert first == f"dtdeploy {verb} {RUN} --yes --expect {digest}"
    assert scene.type(first).code == 0
    assert bool(scene.went_down) is (verb == "resume")


def test_what_is_offered_about_it_carries_the_digest_wherever_it_stands() -> None:
    scene = Scene()
    plant(scene.shared, record_of(scene.shared))
    digest = scene.keyboard.desk.digest()
    for line in ("dtdeploy lock", "dtdeploy status", "dtdeploy restart --all --yes"):
        assert f"dtdeploy resume --yes {RUN} --expect {digest}" in scene.type(line).screen
    dry = scene.type("dtdeploy resume --dry-run")
    assert f"RECORD  {digest}" in dry.screen
    assert "vouched for by: nothing" in dry.screen
    other = scene.type("dtdeploy resume some-run --yes")
    assert other.code == 64
    assert offers(other.screen)[0] == f"dtdeploy resume --yes {RUN} --expect {digest}"


@pytest.mark.parametrize("expect", ["0" * 64, "0" * 12])
def test_another_record_than_the_expected_one_is_refused(expect: str) -> None:
    scene = Scene()
    plant(scene.shared, record_of(scene.shared))
    refused = scene.type(f"dtdeploy resume --yes --expect {expect}")
    assert (refused.code, scene.went_down) == (4, [])
    assert "lock.record-unexpected" in refused.screen


def test_the_first_digits_are_not_enough_where_nobody_reads_it() -> None:
    scene = Scene()
    plant(scene.shared, record_of(scene.shared))
    refused = scene.type(f"dtdeploy resume --yes --expect {scene.keyboard.desk.digest()[:12]}")
    assert (refused.code, scene.went_down) == (20, [])


def test_nor_for_a_run_of_this_machine_where_no_terminal_is() -> None:
    scene = Scene()
    when = When(what=What.SERVICE_REMOVED)
    scene.keyboard.type("dtdeploy restart --all --yes", killed=when)
    digest = scene.keyboard.desk.digest()
    refused = scene.type(f"dtdeploy resume --yes --expect {digest[:12]}")
    assert refused.code == 64
    assert "usage.expect-too-short" in refused.screen
    assert scene.type(offers(refused.screen)[0]).code == 0


def test_who_is_asked_reads_all_of_it_before(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene()
    plant(scene.shared, record_of(scene.shared))
    monkeypatch.setattr("sys.stdin", StringIO("n\n"))
    world = scene.keyboard.desk.world()
    with pytest.raises(click.Abort):
        resume_in(world, "", take_over=False, yes=False, dry_run=False)
    said = scene.keyboard.desk.said()
    assert "nothing here vouches for the record" in said
    for unit in (SERVER, DAEMONS):
        assert f"{unit}" in said
    assert scene.went_down == []


def test_without_a_terminal_what_is_named_to_type_instead_carries_the_digest() -> None:
    scene = Scene()
    plant(scene.shared, record_of(scene.shared))
    refused = scene.type("dtdeploy resume")
    assert refused.code == 64
    line = offers(refused.screen)[0]
    assert line.endswith(f"--expect {scene.keyboard.desk.digest()} --yes")
    assert scene.type(line).code == 0


def test_labels_that_say_all_is_done_skip_neither_preflight_nor_the_announcement() -> None:
    scene = Scene()
    record = record_of(scene.shared)
    steps = frozenset(step.id for step in record.plan.steps)
    plant(scene.shared, record, touched=True, done=steps)
    digest = scene.keyboard.desk.digest()
    done = scene.type(f"dtdeploy resume --yes --expect {digest}")
    assert done.code == 0
    assert "announce downtime" in done.screen
    assert all(f"examine {site}" in done.screen for site in ("home", "far", "away"))
    assert scene.shared.oracle.violations == []


def killed(keyboard: Keyboard) -> None:
    when = When(what=What.SERVICE_REMOVED, stack="app", site="home")
    keyboard.type("dtdeploy restart --all --yes", killed=when)


def test_with_the_fleets_key_another_machine_resumes_without_a_word_more() -> None:
    scene = Scene(keyed=KEY, required=True)
    killed(scene.keyboard)
    other = scene.machine(KEY, "ops2")
    assert "vouched for by: signed" in other.type("dtdeploy lock").screen
    assert other.type("dtdeploy resume --yes --take-over").code == 0


@pytest.mark.parametrize("required", [False, True])
@pytest.mark.parametrize(
    "forged", [{"touched": "no"}, {"goal": "restore"}, {"signature": "00"}, {"because": "why not"}]
)
def test_with_a_key_no_label_can_be_changed(forged: dict[str, str], *, required: bool) -> None:
    scene = Scene(keyed=KEY, required=required)
    killed(scene.keyboard)
    relabel(scene.shared, **forged)
    refused = scene.type("dtdeploy resume --yes")
    assert refused.code == 20
    assert "lock.signature-wrong" in refused.screen
    assert not refused.touched
    assert scene.type("dtdeploy lock break " + RUN + " --because x").code == 64
    assert scene.type(offers(refused.screen)[0]).code == 0
    assert lock_of(scene.shared) is None


def test_a_signature_that_was_taken_away_is_missed_where_it_is_required() -> None:
    scene = Scene(keyed=KEY, required=True)
    killed(scene.keyboard)
    relabel(scene.shared, signature="")
    refused = scene.type("dtdeploy resume --yes")
    assert (refused.code, refused.touched) == (20, False)
    assert "lock.signature-missing" in refused.screen


def test_where_a_key_is_required_no_run_begins_without_one() -> None:
    scene = Scene(required=True)
    for line in ("dtdeploy restart --all --yes", "dtdeploy restart --all --dry-run"):
        refused = scene.type(line)
        assert (refused.code, scene.went_down) == (20, [])
        assert "lock.key-missing" in refused.screen
        assert "DTDEPLOY_RECORD_KEY_FILE" in refused.screen


def test_nor_is_one_resumed_without_it_that_was_begun_with_it() -> None:
    scene = Scene(required=True)
    killed(scene.machine(KEY))
    refused = scene.type("dtdeploy resume --yes --take-over")
    assert (refused.code, refused.touched) == (20, False)
    assert "lock.key-missing" in refused.screen
    scene.keyboard.desk.key = KEY
    assert scene.type(offers(refused.screen)[0] + " --take-over").code == 0


def test_a_run_of_another_key_is_refused_and_can_be_given_up() -> None:
    scene = Scene(keyed=KEY)
    killed(scene.machine(OTHER, "ops2"))
    refused = scene.type("dtdeploy resume --yes --take-over")
    assert "lock.signature-wrong" in refused.screen
    assert scene.type(offers(refused.screen)[0]).code == 0
    assert lock_of(scene.shared) is None


def test_an_old_record_that_is_put_up_again_with_its_labels_is_refused() -> None:
    """Its signature is right, of a config that is no more."""
    scene = Scene(keyed=KEY)
    killed(scene.keyboard)
    old = lock_of(scene.shared)
    assert old is not None
    assert scene.type("dtdeploy resume --yes").code == 0
    again = CreateConfig(site="home", name=old.name, labels=old.labels, data=old.data)
    carry_alone(scene.shared.backend, ask_config(again))
    refused = scene.type("dtdeploy resume --yes")
    assert (refused.code, refused.touched) == (20, False)
    assert "lock.signature-wrong" in refused.screen


def test_machines_are_told_what_vouches_for_a_record() -> None:
    scene = Scene()
    plant(scene.shared, record_of(scene.shared))
    scene.keyboard.desk.mode = Mode.JSON
    line = json.loads(scene.type("dtdeploy lock").screen)
    digest = line["record"]
    assert (line["vouched_for_by"], line["signature"], line["refused"]) == (
        "unknown",
        "unchecked",
        None,
    )
    assert line["next"].endswith(f"--expect {digest}")
    assert len(digest) == 64


def test_a_run_whose_id_dtdeploy_never_gives_is_refused_before_a_journal_is_opened() -> None:
    scene = Scene()
    record = replace(record_of(scene.shared), run="../../etc/cron.d/x")
    plant(scene.shared, record)
    refused = scene.type("dtdeploy resume --yes")
    assert refused.code == 10
    assert "lock.unreadable" in refused.screen
