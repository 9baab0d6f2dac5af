from orchestrator.planning.plan import Command
from orchestrator.planning.selection import Request
from orchestrator.procedures.by_hand import ByHand, Passage
from orchestrator.ui.by_hand_view import by_hand_json, by_hand_lines

TYPED = ByHand(
    passages=(Passage(about="Look", lines=("ready kko",)),),
    deputies=(("kko", ("kko-m2", "kko-m3")),),
)
LOST = Request(everything=True, accept_lost=("w1@kko",), because="its power is off")


def test_what_else_would_do_and_what_is_taken_for_gone_stands_before_the_first_line() -> None:
    lines = list(by_hand_lines(Command.RESTART, LOST, TYPED))
    head = "\n".join(lines[: lines.index("")])
    assert "# IF kko IS DEAD: type kko-m2 or kko-m3 in its place." in head
    assert "# TAKEN FOR GONE while not Ready, with all that ran there: w1@kko," in head
    assert "# because its power is off." in head
    assert lines[-2:] == ["# 1/1  Look", "ready kko"]


def test_nothing_is_said_of_it_where_there_is_nothing() -> None:
    plain = Request(everything=True)
    head = "\n".join(by_hand_lines(Command.RESTART, plain, ByHand(passages=())))
    assert "IF " not in head
    assert "TAKEN" not in head


def test_a_machine_reads_the_same() -> None:
    told = by_hand_json(Command.RESTART, LOST, TYPED)
    assert isinstance(told, dict)
    assert told["deputies"] == [{"manager": "kko", "others": ["kko-m2", "kko-m3"]}]
