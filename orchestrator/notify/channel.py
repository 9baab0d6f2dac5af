"""Where downtime is announced: Apprise, each message to every URL at once, once, in bounded time.

The URLs are secrets. Nothing that Apprise logs leaves this file, and what is told names the
environment variable instead.
"""

import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager

from apprise import Apprise, AppriseAsset, NotifyBase, NotifyFormat, PersistentStoreMode

from orchestrator.errors import ExitCode, Problem
from orchestrator.notify.verdict import judge, together
from orchestrator.procedures.effects import Announce, Answer, Result

DEADLINE_SECONDS = 10.0
"""From handing a message over until its answer counts as lost, whatever a service does."""
_SOCKET_SECONDS = 8.0
"""Apprise's own limits for connecting and for each read: within the deadline."""
_RUNBOOK = "announce-downtime"


class Channel:
    """Sends announcements. `urls` by the name of the variable that holds them.

    `clock` is the observer's, the one that `not_after` of an effect is meant by.
    """

    def __init__(
        self,
        urls: Mapping[str, str],
        clock: Callable[[], float],
        *,
        deadline_seconds: float = DEADLINE_SECONDS,
    ) -> None:
        self._urls = dict(urls)
        self._clock = clock
        self._deadline = deadline_seconds

    def perform(self, effect: Announce) -> Answer:
        """Send a message to every place, and return once each answered or its time is over."""
        if effect.not_after is not None and self._clock() > effect.not_after:
            return self._answer(Result.LATE, "its time had passed")
        if not self._urls:
            return self._answer(Result.FAILED, "no variable holds a URL")
        pool = ThreadPoolExecutor(len(self._urls), thread_name_prefix="announcement")
        sending = {name: pool.submit(_send, url, effect) for name, url in self._urls.items()}
        wait(sending.values(), timeout=self._deadline)
        # What still hangs is not waited for, nor does it keep the program from ending.
        pool.shutdown(wait=False, cancel_futures=True)
        return self._answer(
            *together((name, *self._outcome(future)) for name, future in sending.items())
        )

    def _outcome(self, future: Future[tuple[Result, str]]) -> tuple[Result, str]:
        if not future.done() or future.cancelled():
            return Result.UNKNOWN, f"no answer within {self._deadline:g} s"
        if error := future.exception():
            # A plugin that falls over may have sent before it did. Its words may hold the URL.
            return Result.UNKNOWN, f"its plugin failed: {type(error).__name__}"
        return future.result()

    def _answer(self, result: Result, words: str) -> Answer:
        return Answer(result=result, at=self._clock(), words=words)


def unusable(urls: Mapping[str, str]) -> tuple[Problem, ...]:
    """Return what is wrong with announcement URLs, by the name of the variable; sends nothing."""
    return tuple(
        Problem(
            code="announce.bad-url",
            what=f"{name} holds no URL that Apprise understands",
            exit_code=ExitCode.ANNOUNCEMENT_FAILED,
            fix=f"set {name} to a URL as Apprise wants it; the runbook shows some",
            state_left="nothing was touched",
            runbook=_RUNBOOK,
        )
        for name, url in urls.items()
        if not _understood(url)
    )


def _understood(url: str) -> bool:
    with _overheard():
        return _service(url) is not None


def _service(url: str) -> NotifyBase | None:
    """Return what sends to `url`: without retries, redirects, or anything on disk."""
    asset = AppriseAsset(storage_mode=PersistentStoreMode.MEMORY, http_redirects=False)
    service = Apprise.instantiate(url, asset=asset)
    if service is not None:
        # What the URL says of time-outs (cto, rto) would go beyond the deadline.
        service.socket_connect_timeout = service.socket_read_timeout = _SOCKET_SECONDS
    return service


def _send(url: str, effect: Announce) -> tuple[Result, str]:
    """Send one message to one place: through its service itself, which does not retry."""
    with _overheard() as said:
        service = _service(url)
        if service is None:
            return Result.FAILED, "no URL that Apprise understands"
        accepted = service.notify(
            body=effect.body, title=effect.title, body_format=NotifyFormat.TEXT
        )
    return judge(accepted=accepted, said=said)


class _Ear(logging.Handler):
    """Keeps what Apprise logs, thread by thread; nothing of it goes anywhere else."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.heard: dict[int, list[str]] = {}

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a line for whoever listens on this thread."""
        lines = self.heard.get(threading.get_ident())
        if lines is not None:
            lines.append(record.getMessage())


_EAR = _Ear()


@contextmanager
def _overheard() -> Iterator[list[str]]:
    """Give the lines that Apprise logs on this thread meanwhile, and keep them from all others."""
    logger = logging.getLogger("apprise")
    if _EAR not in logger.handlers:
        logger.handlers = [_EAR]
        logger.propagate = False
        logger.setLevel(logging.DEBUG)
    # Its path is what makes many of the URLs secret, and urllib3 would log it.
    logging.getLogger("urllib3").setLevel(logging.INFO)
    me = threading.get_ident()
    _EAR.heard[me] = []
    try:
        yield _EAR.heard[me]
    finally:
        del _EAR.heard[me]
