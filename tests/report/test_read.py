from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.engine.journal import Entry
from orchestrator.errors import RefusedError
from orchestrator.fleet.presence import Presence
from orchestrator.planning.plan import Action, Before
from orchestrator.report.outages import headline, longest_other
from orchestrator.report.read import digest, merged, timeline
from orchestrator.report.timeline import How, Outcome, Phase, Timeline
from tests.build import CLIENT, SERVER
from tests.report.journals import (
    BROKEN,
    PLAN,
    RECORD,
    closed,
    deploy,
    failed,
    killed_and_resumed,
    lock,
    opened,
    read,
    removal,
    sent,
    simulated_failure,
    simulated_restart,
    step,
    whole_restart,
)

Spans = list[tuple[Phase, float, float]]


def bars(run: Timeline, unit: object) -> Spans:
    """Return a unit's phases, with begin and end in seconds after 1000."""
    track = next(track for track in run.tracks if track.unit == unit)
    return [(b.phase, round(b.begin - 1000, 3), round(b.end - 1000, 3)) for b in track.bars]


def outages(run: Timeline) -> dict[object, tuple[float, bool]]:
    return {outage.unit: (round(outage.seconds, 3), outage.over) for outage in run.outages}


def test_every_phase_of_a_restart_is_there_and_lasts_as_long_as_it_lasted() -> None:
    run = read(*whole_restart())
    assert bars(run, SERVER) == [
        (Phase.UP, 0.0, 4.0),
        (Phase.DRAINING, 4.0, 6.0),
        (Phase.DEPLOYING, 6.0, 8.0),
        (Phase.HEALTHY, 8.0, 18.0),
        (Phase.STABLE, 18.0, 21.0),
    ]
    assert bars(run, CLIENT) == [
        (Phase.UP, 0.0, 2.0),
        (Phase.DRAINING, 2.0, 4.0),
        (Phase.DOWN, 4.0, 8.0),
        (Phase.DEPLOYING, 8.0, 11.0),
        (Phase.HEALTHY, 11.0, 20.0),
        (Phase.STABLE, 20.0, 21.0),
    ]
    assert outages(run) == {SERVER: (4.0, True), CLIENT: (9.0, True)}
    assert (run.outcome, run.exit, run.unfinished, run.whole) == (Outcome.DONE, 0, False, True)


def test_the_outage_of_what_others_depend_on_comes_first() -> None:
    run = read(*whole_restart())
    assert [outage.unit for outage in headline(run)] == [SERVER]
    other = longest_other(run)
    assert other is not None
    assert other.unit == CLIENT


def test_a_run_that_was_killed_and_resumed_is_one_run_with_one_outage() -> None:
    run = killed_and_resumed()
    assert [life.how for life in run.lives] == [How.BEGUN, How.RESUMED]
    assert [life.exit for life in run.lives] == [None, 0]
    assert bars(run, SERVER)[2:5] == [
        (Phase.DEPLOYING, 6.0, 6.5),
        (Phase.UNKNOWN, 6.5, 3601.0),
        (Phase.DEPLOYING, 3601.0, 3603.0),
    ]
    assert (Phase.DOWN, 4.0, 3603.0) in bars(run, CLIENT)
    assert outages(run) == {SERVER: (3599.0, True), CLIENT: (3603.0, True)}
    assert run.outcome is Outcome.DONE


def test_a_run_that_was_killed_tells_what_was_down_and_that_no_end_was_written() -> None:
    run = read(*(entry for entry in whole_restart() if entry.at < 1005.0))
    assert (run.outcome, run.exit) == (Outcome.NO_END, None)
    assert outages(run) == {SERVER: (0.2, False), CLIENT: (2.2, False)}


def test_a_run_taken_over_from_another_machine_knows_since_when_the_server_is_down() -> None:
    run = read(
        opened(2000.0, "resumed"),
        lock(2000.1, "taken over", {"from": "bob@lap", "down": {str(SERVER): 1900.0}}),
        *deploy(SERVER, 2001.0, 2003.0),
        *deploy(CLIENT, 2003.0, 2005.0),
        closed(2006.0),
    )
    assert not run.whole
    assert bars(run, SERVER)[0] == (Phase.DOWN, 1000.0, 1001.0)
    assert bars(run, CLIENT)[0] == (Phase.UNKNOWN, 1000.0, 1003.0)
    assert outages(run) == {SERVER: (103.0, True)}


def test_what_failed_is_failed_until_the_end_and_says_why() -> None:
    run = read(
        opened(1000.0),
        lock(1000.5, "taken"),
        *removal(CLIENT, 1002.0, 1004.0),
        step(1005.0, f"deploy {CLIENT}", "started"),
        sent(1005.1, f"deploy {CLIENT}", "DeployStack"),
        failed(1009.0, f"deploy {CLIENT}"),
        step(1009.0, f"settle {CLIENT}", "skipped", because=f"deploy {CLIENT}"),
        closed(1010.0, 21, {"owed": {str(CLIENT): "it crashes"}}),
    )
    assert bars(run, CLIENT)[-2:] == [(Phase.DEPLOYING, 5.0, 9.0), (Phase.FAILED, 9.0, 10.0)]
    assert [trouble.problem for trouble in run.troubles] == [BROKEN]
    assert run.skipped == ((f"settle {CLIENT}", f"deploy {CLIENT}"),)
    assert run.owed == ((str(CLIENT), "it crashes"),)
    assert outages(run) == {CLIENT: (8.0, False)}
    assert run.outcome is Outcome.FAILED


def test_a_removal_that_was_refused_took_nothing_down() -> None:
    run = read(
        opened(1000.0),
        lock(1000.5, "taken"),
        step(1002.0, f"remove {SERVER}", "started"),
        failed(1007.0, f"remove {SERVER}"),
        closed(1008.0, 20),
    )
    phases = [(Phase.UP, 0.0, 2.0), (Phase.WAITING, 2.0, 7.0), (Phase.UP, 7.0, 8.0)]
    assert bars(run, SERVER) == phases
    assert outages(run) == {}


def test_a_removal_that_failed_after_it_began_left_its_unit_neither_up_nor_gone() -> None:
    run = read(
        opened(1000.0),
        lock(1000.5, "taken"),
        step(1002.0, f"remove {CLIENT}", "started"),
        sent(1002.1, f"remove {CLIENT}"),
        failed(1007.0, f"remove {CLIENT}"),
        closed(1008.0, 23, kept=True),
    )
    assert bars(run, CLIENT)[-2:] == [(Phase.DRAINING, 2.0, 7.0), (Phase.FAILED, 7.0, 8.0)]
    assert outages(run) == {CLIENT: (6.0, False)}


def test_a_deploy_that_was_refused_leaves_its_unit_down() -> None:
    run = read(
        opened(1000.0),
        lock(1000.5, "taken"),
        *removal(SERVER, 1001.0, 1002.0),
        step(1002.0, f"deploy {SERVER}", "started"),
        failed(1007.0, f"deploy {SERVER}"),
        closed(1008.0, 20, kept=True),
    )
    assert bars(run, SERVER)[-1] == (Phase.DOWN, 7.0, 8.0)
    assert run.unfinished


def test_what_a_run_left_in_the_middle_is_not_known() -> None:
    run = read(
        opened(1000.0),
        lock(1000.5, "taken"),
        step(1001.0, f"remove {CLIENT}", "started"),
        sent(1001.1, f"remove {CLIENT}"),
        step(1001.5, f"remove {SERVER}", "started"),
        step(1003.0, f"remove {CLIENT}", "stopped"),
        step(1003.0, f"remove {SERVER}", "stopped"),
        closed(1004.0, 30, kept=True),
    )
    assert bars(run, CLIENT)[-1] == (Phase.UNKNOWN, 3.0, 4.0)
    assert bars(run, SERVER) == [(Phase.UP, 0.0, 4.0)]
    assert (run.outcome, run.unfinished) == (Outcome.INTERRUPTED, True)


def test_a_unit_that_was_gone_before_was_not_taken_down_by_the_run() -> None:
    item = replace(PLAN.units[0], before=Before(presence=Presence.GONE), action=Action.UP)
    plan = replace(PLAN, units=(item, replace(PLAN.units[1], action=Action.KEEP)))
    run = read(
        opened(1000.0, record=replace(RECORD, plan=plan)),
        lock(1000.5, "taken"),
        *deploy(SERVER, 1002.0, 1005.0),
        closed(1006.0),
    )
    assert bars(run, SERVER)[0] == (Phase.DOWN, 0.0, 2.0)
    assert outages(run) == {}
    assert [track.unit for track in run.tracks] == [SERVER]


def test_a_run_that_turns_back_goes_on_in_the_same_rows() -> None:
    run = read(
        opened(1000.0),
        lock(1000.5, "taken"),
        *removal(SERVER, 1001.0, 1002.0),
        step(1002.0, f"deploy {SERVER}", "started"),
        sent(1002.1, f"deploy {SERVER}", "DeployStack"),
        failed(1004.0, f"deploy {SERVER}"),
        *removal(SERVER, 1005.0, 1006.0),
        *deploy(SERVER, 1006.0, 1009.0),
        *deploy("other@far", 1009.0, 1010.0),
        closed(1011.0, 22),
    )
    assert outages(run) == {SERVER: (8.0, True)}
    assert run.outcome is Outcome.RESTORED
    assert [str(track.unit) for track in run.tracks][-1] == "other@far"


def test_a_run_that_never_got_the_lock_did_not_begin() -> None:
    assert read(opened(1000.0), closed(1001.0, 10)).outcome is Outcome.NOT_BEGUN


def test_a_broken_lock_gives_its_run_up_until_it_is_resumed() -> None:
    begun = [entry for entry in whole_restart() if entry.at < 1005.0]
    broken = [
        opened(1100.0, "broken", because="its machine hangs"),
        opened(1101.0, "resumed"),
        lock(1101.5, "taken over"),
        closed(1136.0),
    ]
    given_up = timeline(merged((begun, broken)))
    assert given_up is not None
    assert given_up.outcome is Outcome.GIVEN_UP
    assert given_up.lives[1].because == "its machine hangs"
    again = [lock(1200.0, "created again"), opened(1201.0, "resumed"), closed(1210.0)]
    resumed = timeline(merged((begun, [*broken, *again])))
    assert resumed is not None
    assert resumed.outcome is Outcome.DONE


def test_an_effect_is_told_with_its_answer_or_without_one() -> None:
    run = read(*(entry for entry in whole_restart() if entry.at < 1004.15))
    removals = [deed for deed in run.deeds if deed.what == "RemoveServices"]
    assert [(d.on, d.result, d.seconds) for d in removals] == [
        (str(CLIENT), "ok", pytest.approx(0.1)),
        (str(SERVER), "", None),
    ]


def test_a_clock_that_was_set_back_makes_nothing_negative() -> None:
    entries = whole_restart()
    back = [replace(entry, at=entry.at - 500) for entry in entries[8:]]
    run = timeline([*entries[:8], *back])
    assert run is not None
    assert all(bar.seconds >= 0 for track in run.tracks for bar in track.bars)


def test_a_journal_without_a_run_tells_of_none() -> None:
    assert timeline([]) is None
    assert timeline([lock(1.0, "taken")]) is None


def test_a_record_that_cannot_be_read_is_refused() -> None:
    with pytest.raises(RefusedError):
        timeline([replace(opened(1.0), body={"how": "begun", "record": "A"})])


def test_two_plans_have_two_hashes() -> None:
    assert digest(PLAN) == digest(replace(PLAN))
    assert digest(PLAN) != digest(replace(PLAN, selection="--site kko"))


@given(st.sets(st.integers(0, len(whole_restart()) - 1)))
def test_whatever_is_missing_bars_follow_each_other_without_a_gap(missing: set[int]) -> None:
    kept: list[Entry] = [e for n, e in enumerate(whole_restart()) if n not in missing or n == 0]
    run = read(*kept)
    for track in run.tracks:
        assert track.bars[0].begin == run.began
        assert track.bars[-1].end == run.ended
        for one, two in zip(track.bars, track.bars[1:], strict=False):
            assert one.end == two.begin
            assert one.phase is not two.phase


def test_a_real_run_says_what_its_summary_says() -> None:
    run = simulated_restart()
    assert [str(outage.unit) for outage in headline(run)] == ["datatrail@chime"]
    assert 3 < headline(run)[0].seconds < 10
    assert all(track.bars[-1].phase is Phase.STABLE for track in run.tracks)


def test_a_real_run_that_failed_and_was_resumed_is_told_with_dockers_words() -> None:
    run = simulated_failure()
    assert [(life.how, life.exit) for life in run.lives] == [(How.BEGUN, 21), (How.RESUMED, 0)]
    assert any("exit" in words for t in run.troubles for words in t.problem.evidence)
    assert all(outage.over for outage in run.outages)
