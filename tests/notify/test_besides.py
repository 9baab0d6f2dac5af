import threading
import time

from orchestrator.notify.besides import tell_besides


def test_who_was_told_is_not_mentioned() -> None:
    told: list[str] = []

    def tell() -> str:
        told.append("x")
        return ""

    assert tell_besides({"one": tell, "two": tell}) == ()
    assert told == ["x", "x"]
    assert tell_besides({}) == ()


def test_what_hangs_costs_the_deadline_once_and_is_named() -> None:
    over = threading.Event()

    def hang() -> str:
        over.wait(30)
        return ""

    began = time.monotonic()
    untold = tell_besides({"a": hang, "b": hang, "c": lambda: "c: no"}, deadline_seconds=0.3)
    took = time.monotonic() - began
    over.set()
    assert untold == ("a: no answer within 0.3 s", "b: no answer within 0.3 s", "c: no")
    assert took < 1.0


def test_a_teller_that_falls_over_is_named_without_its_words() -> None:
    def fall() -> str:
        raise ValueError("https://me:s3cret@host/")

    assert tell_besides({"Grafana": fall}) == ("Grafana: ValueError",)
