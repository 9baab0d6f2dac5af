from orchestrator.simulation.clock import Process, VirtualClock


def test_actions_happen_in_the_order_of_their_times_and_then_of_asking() -> None:
    clock, done = VirtualClock(), list[tuple[float, str]]()

    def note(word: str) -> None:
        done.append((clock.now, word))

    clock.at(2, note, "late")
    clock.after(1, note, "first")
    clock.after(1, note, "second")
    clock.run_until(5)
    assert done == [(1, "first"), (1, "second"), (2, "late")]
    assert clock.now == 5


def test_a_cancelled_action_does_not_happen_and_ends_no_wait() -> None:
    clock, done = VirtualClock(), list[str]()
    clock.cancel(clock.after(1, done.append, "never"))
    assert clock.next_time() is None
    assert not clock.step()
    assert done == []


def test_what_is_asked_for_in_the_past_happens_now() -> None:
    clock = VirtualClock()
    clock.run_until(3)
    clock.at(1, lambda: None)
    assert clock.next_time() == 3


def test_a_process_takes_the_time_it_says() -> None:
    clock, done = VirtualClock(), list[tuple[float, str]]()

    def process() -> Process[str]:
        yield 1.0
        yield 2.5
        return "end"

    clock.spawn(process(), lambda word: done.append((clock.now, word)))
    clock.run_until(10)
    assert done == [(3.5, "end")]
