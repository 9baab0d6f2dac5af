"""Taking secrets out of words that others wrote: Docker's, SSH's, git's, whatever they quote.

Done where such words come in, so that nothing further on can write them down: not the journal,
not a saved plan, not the lock's record.
"""

import json
import re
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from urllib.parse import quote, quote_plus

_WEB_LOGIN = re.compile(r"(?i)\b(https?://)[^\s/@]+@")
_LOGIN = re.compile(r"(?<=[A-Za-z0-9+.-]://)[^\s/:@]*:[^\s/]*@")
_HEADER = re.compile(
    r"(?i)((?:authorization|x-registry-auth|x-registry-config)\"?\s*[:=]\s*\"?)"
    r"(?:(?:bearer|basic)\s+)?[^\s\",;]+"
)
_SECRET_NAME = re.compile(
    r"(?i)password|passwd|secret|token|api[_-]?key|private[_-]?key|credentials?"
    r"|\A(?:auth|identitytoken|registrytoken)\Z"
)


@dataclass(frozen=True, slots=True)
class _Form:
    """One way to write a name and its value: `named` ends where `value` begins.

    The name is read whole and judged by itself: a pattern that looks for a word within it
    would try every place of a long name with every other, and take hours for a megabyte.
    """

    named: re.Pattern[str]
    value: re.Pattern[str]
    closing: str = ""

    def hidden(self, text: str) -> str:
        """Return `text` without the values whose names are those of secrets."""
        parts: list[str] = []
        at = 0
        for named in self.named.finditer(text):
            begins = named.end(2)
            if named.start() < at or not _SECRET_NAME.search(named[1]):
                continue
            if value := self.value.match(text, begins):
                parts += (text[at:begins], _HIDDEN, self.closing)
                at = value.end()
        return "".join((*parts, text[at:]))


_FORMS = (
    _Form(
        re.compile(r"\"(?=([\w-]+)(\"\s*:\s*\"))"), re.compile(r"(?:[^\"\\]|\\.)*+\""), closing='"'
    ),
    _Form(
        re.compile(r"\\\"(?=([\w-]+)(\\\"\s*:\s*\\\"))"),
        re.compile(r"(?:[^\"\\]|\\\\(?:\\[\"\\]|[^\"\\]))*+\\\""),
        closing='\\"',
    ),
    _Form(
        re.compile(r"(?<![\w-])(?=([\w-]+)(=))"),
        re.compile(r"\"[^\"]*+\"|'[^']*+'|[^\s,;&]+"),
    ),
)
_HIDDEN = "***"
_SHORTEST = 4
_SHORTEST_ENCODED = 6


def hide_secrets(text: str) -> str:
    """Return `text` with what looks like a password, token or login in a URL masked."""
    text = _WEB_LOGIN.sub(rf"\g<1>{_HIDDEN}@", text)
    text = _LOGIN.sub(f"{_HIDDEN}@", text)
    text = _HEADER.sub(rf"\g<1>{_HIDDEN}", text)
    for form in _FORMS:
        text = form.hidden(text)
    return text


def hide_values(text: str, forms: Iterable[str]) -> str:
    """Return `text` without any of `forms`, which are those of known secrets, see `forms_of`."""
    for form in forms:
        text = text.replace(form, _HIDDEN)
    return text


def forms_of(values: Iterable[str]) -> tuple[str, ...]:
    """Return how secrets may be written: raw, in base64, escaped for a URL and for JSON.

    The longest come first. What is shorter than four characters is no secret that could be
    taken out without taking out half of what is said.
    """
    found = {form for value in values if len(value) >= _SHORTEST for form in _forms(value)}
    return tuple(sorted(found, key=lambda form: (-len(form), form)))


def _forms(value: str) -> Iterator[str]:
    yield from (value, quote(value, safe=""), quote(value), quote_plus(value))
    yield from (json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1])
    yield from (form for form in _in_base64(value.encode()) if len(form) >= _SHORTEST_ENCODED)


def _in_base64(value: bytes) -> Iterator[str]:
    """Yield what is sure to stand in base64 wherever in the encoded text the value begins."""
    for before in range(3):
        first = -(-before * 4 // 3)
        for encode in (b64encode, urlsafe_b64encode):
            text = encode(b"\0" * before + value).decode().rstrip("=")
            yield text[first : len(text) - bool((before + len(value)) % 3)]
