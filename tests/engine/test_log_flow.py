"""Readers that say what a test lets them say, in the order in which it lets them."""

import threading
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.engine.log_flow import NoLogs, collect, follow
from orchestrator.errors import ExitCode, FleetError, Problem
from orchestrator.fleet.logs import LogLine, LogQuery
from tests.build import CLIENT

LOST = Problem(code="site.unreachable", what="gone", exit_code=ExitCode.SITE_UNREACHABLE)


def query(name: str) -> LogQuery:
    return LogQuery(unit=CLIENT, service=name, id=name)


def line(at: int, service: str = "a", text: str = "x") -> LogLine:
    return LogLine(at=at, unit=CLIENT, service=service, text=text)


class Told:
    """Says the lines of each service; of `fails` it then says no more."""

    def __init__(self, lines: dict[str, list[int]], *fails: str) -> None:
        self.lines = lines
        self.fails = fails

    def read(self, asked: LogQuery) -> Iterator[LogLine]:
        yield from (line(at, asked.id) for at in self.lines[asked.id])
        if asked.id in self.fails:
            raise FleetError(LOST)


def everything(_line: LogLine) -> bool:
    return True


class TestCollect:
    @given(st.dictionaries(st.sampled_from("abcd"), st.lists(st.integers(0, 50))))
    def test_lines_come_in_order_and_of_each_service_the_newest(
        self, lines: dict[str, list[int]]
    ) -> None:
        found = collect(Told(lines), [query(name) for name in lines], everything, 3)
        assert [item.at for item in found.lines] == sorted(item.at for item in found.lines)
        for name, said in lines.items():
            mine = [item.at for item in found.lines if item.service == name]
            assert mine == sorted(said)[-3:]
        assert [cut.id for cut in found.cut] == [name for name in lines if len(lines[name]) > 3]

    def test_only_what_is_wanted_counts(self) -> None:
        found = collect(Told({"a": [1, 2, 3, 4]}), [query("a")], lambda item: item.at % 2 == 0, 2)
        assert [item.at for item in found.lines] == [2, 4]
        assert not found.cut

    def test_one_that_fails_costs_the_others_nothing_and_keeps_what_it_said(self) -> None:
        told = Told({"a": [1], "b": [2]}, "a")
        found = collect(told, [query("a"), query("b")], everything, 9)
        assert [item.at for item in found.lines] == [1, 2]
        assert found.problems == (LOST,)

    def test_none_of_it(self) -> None:
        found = collect(Told({"a": [1]}), [query("a")], everything, 0)
        assert (found.lines, len(found.cut)) == ((), 1)
        assert collect(NoLogs(), [query("a")], everything, 9).lines == ()


class Clock:
    """Goes on by a step whenever it is asked."""

    def __init__(self, step: float = 0.0) -> None:
        self.time = 0.0
        self.step = step

    def __call__(self) -> float:
        self.time += self.step
        return self.time


class Endless:
    """One says a single line, of an hour from now; the other ever older ones, until it is told."""

    def __init__(self) -> None:
        self.enough = threading.Event()

    def read(self, asked: LogQuery) -> Iterator[LogLine]:
        if asked.id == "a":
            yield line(10**9, "a")
            return
        number = 0
        while not self.enough.is_set():
            number += 1
            yield line(number, "b")


class TestFollow:
    def test_all_that_comes_is_given_once_and_what_comes_together_in_order(self) -> None:
        told = Told({"a": [3, 5], "b": [1, 4]})
        found = list(follow(told, [query("a"), query("b")], everything, Clock()))
        assert [item.at for item in found if isinstance(item, LogLine)] == [1, 3, 4, 5]

    def test_a_reader_that_fails_is_told_and_the_others_go_on(self) -> None:
        told = Told({"a": [], "b": [1]}, "a")
        found = list(follow(told, [query("a"), query("b")], everything, Clock()))
        assert LOST in found
        assert line(1, "b") in found

    def test_lines_that_are_not_wanted_are_left_out(self) -> None:
        told = Told({"a": [1, 2]})
        found = list(follow(told, [query("a")], lambda item: item.at == 2, Clock()))
        assert found == [line(2)]

    @pytest.mark.timeout(20)
    def test_nobody_is_held_up_by_one_whose_clock_is_behind(self) -> None:
        """Old lines that keep coming must not keep new ones from being shown."""
        endless, seen = Endless(), []
        for item in follow(endless, [query("a"), query("b")], everything, Clock(step=0.01)):
            seen.append(item)
            if item == line(10**9, "a"):
                endless.enough.set()
        assert seen.count(line(10**9, "a")) == 1
        numbers = [item.at for item in seen if isinstance(item, LogLine) and item.service == "b"]
        assert numbers == list(range(1, len(numbers) + 1))

    def test_a_line_waits_for_older_ones_that_are_still_on_their_way(self) -> None:
        """Though time has not moved at all, the end of all readers lets everything out."""
        told = Told({"a": [2, 4], "b": [1, 3, 5]})
        found = follow(told, [query("a"), query("b")], everything, Clock())
        assert [item.at for item in found if isinstance(item, LogLine)] == [1, 2, 3, 4, 5]

    @pytest.mark.timeout(20)
    def test_silence_is_waited_out(self) -> None:
        asked_often = threading.Event()
        times = 0

        def clock() -> float:
            nonlocal times
            times += 1
            if times > 3:
                asked_often.set()
            return 0.0

        class Silent:
            def read(self, asked: LogQuery) -> Iterator[LogLine]:
                asked_often.wait()
                yield line(1, asked.id)

        assert list(follow(Silent(), [query("a")], everything, clock)) == [line(1)]
