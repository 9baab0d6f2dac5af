"""Telling machines how a run ended, which may fail or hang: never for longer than its time.

Nobody needs any of it for the fleet to be well. So it is done after the run has ended and said so,
all of it side by side, and whatever hangs is left behind.
"""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor, wait

DEADLINE_SECONDS = 1.8
"""For all of it together."""

Teller = Callable[[], str]
"""Tells somebody; returns why it could not, "" if it could."""


def tell_besides(
    tellers: Mapping[str, Teller], *, deadline_seconds: float = DEADLINE_SECONDS
) -> tuple[str, ...]:
    """Let every teller do its part at once.

    Args:
        tellers: by the name of whom they tell.
        deadline_seconds: how long all of it may take; what is not done by then is left.

    Returns:
        What was not told and why, a line each.

    """
    if not tellers:
        return ()
    pool = ThreadPoolExecutor(len(tellers), thread_name_prefix="besides")
    telling = {name: pool.submit(teller) for name, teller in tellers.items()}
    wait(telling.values(), timeout=deadline_seconds)
    pool.shutdown(wait=False, cancel_futures=True)
    untold: list[str] = []
    for name, future in telling.items():
        if not future.done() or future.cancelled():
            untold.append(f"{name}: no answer within {deadline_seconds:g} s")
        elif error := future.exception():
            # Its words may hold an address with a login in it.
            untold.append(f"{name}: {type(error).__name__}")
        elif words := future.result():
            untold.append(words)
    return tuple(untold)
