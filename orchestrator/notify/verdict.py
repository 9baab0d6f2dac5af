"""What became of a message, read from what Apprise says about it. Pure.

Apprise answers True or False. False is said alike for a message that was refused and for one of
which the answer was lost. Its log tells them apart, read in Apprise 2.2 (custom_json.py, slack.py,
matrix/base.py, email/smtp.py): `error=500` is the answer's HTTP status, `Socket Exception: ...`
quotes the exception of requests, urllib3 or smtplib, and `Sent ...` follows a message that was
taken. Anything that is neither a clean yes nor a clean no is UNKNOWN.
"""

import re
from collections.abc import Iterable

from orchestrator.procedures.effects import Result

_STATUS = re.compile(r"\berror=(\d{3})\b")
_REFUSED = frozenset({500, 501, 503, 505, 507})
"""Of the server's own errors, those after which it did not take the message. 502 and 504 come
from something before it, which may have passed the message on."""
_CLIENT = range(400, 500)
_NEVER_SENT = (
    "connection refused",
    "name or service not known",
    "failed to resolve",
    "nameresolutionerror",
    "temporary failure in name resolution",
    "no route to host",
    "network is unreachable",
    "connecttimeout",
    "connection to",  # urllib3: Connection to HOST timed out. (connect timeout=...)
    "certificate verify failed",
)


def judge(*, accepted: bool, said: Iterable[str]) -> tuple[Result, str]:
    """Return what became of one message, and that in a few words that hold no secret.

    Args:
        accepted: what Apprise answered.
        said: the lines that it logged meanwhile.

    """
    if accepted:
        return Result.OK, "accepted"
    lines = tuple(said)
    if any(line.startswith("Sent ") for line in lines):
        return Result.UNKNOWN, "taken by some of those it names, not by all"
    statuses = {int(found) for line in lines for found in _STATUS.findall(line)}
    if statuses:
        words = "HTTP " + ", ".join(str(status) for status in sorted(statuses))
        clean = all(status in _CLIENT or status in _REFUSED for status in statuses)
        return (Result.FAILED if clean else Result.UNKNOWN), words
    socket = [line.lower() for line in lines if "socket exception" in line.lower()]
    if socket and all(any(words in line for words in _NEVER_SENT) for line in socket):
        return Result.FAILED, "it cannot be reached: nothing was sent"
    return Result.UNKNOWN, "the answer was lost"


def together(results: Iterable[tuple[str, Result, str]]) -> tuple[Result, str]:
    """Return what became of a message that went to several places, each with its name.

    One that took it is a receipt. Else one of which nobody knows leaves it unknown.
    """
    every = tuple(results)
    words = "; ".join(f"{name}: {said}" for name, _, said in every)
    found = {result for _, result, _ in every}
    for result in (Result.OK, Result.UNKNOWN):
        if result in found:
            return result, words
    return Result.FAILED, words
