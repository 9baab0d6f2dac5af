from orchestrator.engine.sleepers import Sleepers


def test_they_wake_in_the_order_of_their_moments_and_then_of_their_coming() -> None:
    sleepers = Sleepers()
    for until, name in ((3.0, "late"), (1.0, "a"), (1.0, "b"), (2.0, "c")):
        sleepers.add(until, name)
    assert sleepers.next() == (1.0,)
    assert list(sleepers.due(2.0)) == ["a", "b", "c"]
    assert sleepers.next() == (3.0,)


def test_one_that_comes_while_others_wake_wakes_too_if_it_is_due() -> None:
    sleepers = Sleepers()
    sleepers.add(1.0, "first")
    woken = []
    for name in sleepers.due(5.0):
        woken.append(name)
        if name == "first":
            sleepers.add(4.0, "second")
    assert woken == ["first", "second"]


def test_nobody_waits() -> None:
    assert Sleepers().next() == ()
    assert list(Sleepers().due(1.0)) == []
