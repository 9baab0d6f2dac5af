"""`not_after`: the moment past which nothing that changes a site may be begun any more."""

from collections.abc import Callable


class LateError(Exception):
    """The moment had passed before the request or the command was sent; it was not."""


def check(clock: Callable[[], float], not_after: float | None) -> None:
    """Let what is about to be sent pass in time.

    Args:
        clock: the observer's, seconds.
        not_after: a moment on that clock; None: there is no limit.

    Raises:
        LateError: the moment is past.

    """
    if not_after is None:
        return
    late = clock() - not_after
    if late > 0:
        raise LateError(f"not begun: {late:.1f} s too late")
