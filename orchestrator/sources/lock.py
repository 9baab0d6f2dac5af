import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tenacity import RetryError, Retrying, retry_if_exception_type, stop_after_delay, wait_fixed

POLL_SECONDS = 0.05


@contextmanager
def held(path: Path, *, seconds: float) -> Iterator[None]:
    """Hold a file lock, against other processes and threads alike, while the block runs.

    The file stays afterwards: removing it would let two hold "the" lock. The system frees the
    lock when its holder dies.

    Raises:
        TimeoutError: another held it for all of `seconds`.
        OSError: the file cannot be made or opened.

    """
    with path.open("ab") as file:
        attempts = Retrying(
            retry=retry_if_exception_type(BlockingIOError),
            wait=wait_fixed(POLL_SECONDS),
            stop=stop_after_delay(seconds),
        )
        try:
            attempts(fcntl.flock, file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except RetryError as error:
            raise TimeoutError(f"{path} is held by another process") from error
        yield
