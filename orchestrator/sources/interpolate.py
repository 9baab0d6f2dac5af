"""Docker's interpolation of compose files, and what dtdeploy adds: nothing is ever left empty.

The rules are those of docker/cli 28.2.2, measured with `docker stack config` (cli/compose/
template/template.go): `$NAME`, `${NAME}`, `${NAME:-default}`, `${NAME-default}`,
`${NAME:?message}`, `${NAME?message}`, `$$` for a dollar. Defaults are literal, no variable in
them is looked at. Without braces a default is read too, up to the next `}` or the end of the
value: `$TAG-alpine` means "TAG, or `alpine` without it". A lone `$` is an error, here even where
Docker forgets about it because a good substitution follows.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum

_NAME = r"[_a-zA-Z][_a-zA-Z0-9]*(?::?[-?][^}]*)?"
_PATTERN = re.compile(
    rf"\$(?:(?P<escaped>\$)|(?P<named>{_NAME})|\{{(?P<braced>{_NAME})\}}|(?P<invalid>))"
)
_UNCLOSED = re.compile(rf"\$(?:(?P<escaped>\$)|(?P<named>{_NAME})|(?P<braced>(?!))|(?P<invalid>))")
"""The same where no `}` follows any more: each `${` would look for it to the end of the text."""
_LONGEST_SHOWN = 200


class Fault(Enum):
    """Why a substitution cannot be made."""

    UNSET = "unset"
    """No value and no default: Docker would put an empty text there, without a word."""
    REQUIRED = "required"
    """`:?` or `?`, and no value."""
    BARE = "bare"
    """A name under `environment:` without a value: Docker looks where it runs itself."""
    ABSENT = "absent"
    """A declared secret variable that the operator's environment does not hold."""
    INVALID = "invalid"
    """No substitution at all; Docker refuses the file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Variables:
    """What a compose file may use.

    `plain` are name and value from the inventory, `secret` names those whose values come from
    the operator's environment, `present` those of them that are there and not empty.
    """

    plain: Mapping[str, str] = field(default_factory=dict)
    secret: frozenset[str] = frozenset()
    present: frozenset[str] = frozenset()

    @property
    def names(self) -> frozenset[str]:
        """All that are declared."""
        return frozenset(self.plain) | self.secret


@dataclass(frozen=True, slots=True, kw_only=True)
class Miss:
    """A substitution that cannot be made: as written, the variable, Docker's message."""

    fault: Fault
    written: str
    name: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Substituted:
    """A text after interpolation. A secret's place is held by `<NAME>`, never by its value."""

    text: str
    names: tuple[str, ...] = ()
    secret: tuple[str, ...] = ()
    misses: tuple[Miss, ...] = ()


@dataclass(frozen=True, slots=True)
class _Part:
    text: str
    name: str = ""
    secret: bool = False
    miss: Miss | None = None


def substitute(text: str, variables: Variables) -> Substituted:
    """Put the variables into `text`; what cannot be is listed and left out."""
    closed = text.rfind("}") + 1
    matches = (*_PATTERN.finditer(text, 0, closed), *_UNCLOSED.finditer(text, closed))
    parts = [_part(match, variables) for match in matches]
    put = iter([part.text for part in parts])
    return Substituted(
        text=_PATTERN.sub(lambda _: next(put), text[:closed])
        + _UNCLOSED.sub(lambda _: next(put), text[closed:]),
        names=_once(part.name for part in parts if part.name),
        secret=_once(part.name for part in parts if part.secret),
        misses=tuple(part.miss for part in parts if part.miss),
    )


def _once(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))


def _part(match: re.Match[str], variables: Variables) -> _Part:
    if match["escaped"]:
        return _Part("$")
    inner = match["named"] or match["braced"]
    if not inner:
        return _Part("", miss=Miss(fault=Fault.INVALID, written=_rest_of_line(match)))
    # Docker looks for the operators in this order, wherever in the text they stand.
    for operator in (":-", "-", ":?", "?"):
        name, found, rest = inner.partition(operator)
        if found:
            return _with_operator(match[0], name, operator, rest, variables)
    return _bare(match[0], inner, variables)


def _rest_of_line(match: re.Match[str]) -> str:
    return match.string[match.start() : match.start() + _LONGEST_SHOWN].partition("\n")[0]


def _with_operator(
    written: str, name: str, operator: str, rest: str, variables: Variables
) -> _Part:
    value = _lookup(name, variables)
    if value is not None and (value or not operator.startswith(":")):
        return _Part(value, name, secret=name in variables.secret)
    if operator in {":-", "-"}:
        return _Part(rest, name)
    fault = Fault.ABSENT if name in variables.secret else Fault.REQUIRED
    return _Part("", name, miss=Miss(fault=fault, written=written, name=name, message=rest))


def _bare(written: str, name: str, variables: Variables) -> _Part:
    value = _lookup(name, variables)
    if value is not None:
        return _Part(value, name, secret=name in variables.secret)
    fault = Fault.ABSENT if name in variables.secret else Fault.UNSET
    return _Part("", name, miss=Miss(fault=fault, written=written, name=name))


def _lookup(name: str, variables: Variables) -> str | None:
    if name in variables.secret:
        return f"<{name}>" if name in variables.present else None
    return variables.plain.get(name)
