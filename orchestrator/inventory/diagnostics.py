"""What pydantic finds wrong with a document -> problems at file:line:column, with a remedy."""

import re
from collections.abc import Callable, Mapping

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from orchestrator.errors import Problem
from orchestrator.inventory.document import Data, Document, Trail, complaint
from orchestrator.inventory.quoting import odd_characters, quoted, suggestion
from orchestrator.inventory.schema import Text, keys_at

_OURS = "fix"
_TYPES = {
    "string_type": ("text", 'write a word, in "quotes" if it looks like a number or a switch'),
    "int_type": ("a whole number", "write digits without quotes, such as 8001"),
    "float_type": ("a number", "write digits without quotes"),
    "bool_type": ("true or false", "write true or false, without quotes"),
    "list_type": ("a list", "write [one, two], or one `- item` a line"),
    "dict_type": ("a mapping", "write `key: value` lines, indented below the key"),
    "model_type": ("a mapping", "write `key: value` lines, indented below the key"),
    "model_attributes_type": ("a mapping", "write `key: value` lines, indented below the key"),
}
# Values here may be secrets or contain some: no message may quote them.
_HIDDEN = frozenset(
    {"variables", "secret_variables", "url", "announce", "grafana_url", "grafana_token", "metrics"}
)


def problems(error: ValidationError, document: Document, root: type[Text]) -> list[Problem]:
    """Return one problem for each finding about a part that nothing was said about yet.

    `root` is the model that the document was checked against.
    """
    found = []
    for details in error.errors(include_url=False):
        trail = trail_of(details["loc"], document.data)
        if not _told(trail, document):
            found.append(_problem(details, trail, document, root))
    return found


def trail_of(loc: tuple[str | int, ...], data: Data) -> Trail:
    """Return the part of the file that pydantic's `loc` means: without its union tags.

    A missing key keeps its name as the last step.
    """
    trail: Trail = ()
    here = data
    for index, step in enumerate(loc):
        inner = _step(here, step)
        if inner is not None:
            trail, here = (*trail, step), inner[0]
        elif index == len(loc) - 1 and step != "[key]" and isinstance(here, dict):
            trail = (*trail, step)
    return trail


def _step(here: Data, step: str | int) -> tuple[Data] | None:
    """Return what `step` leads to, in a tuple of one, or None if it leads nowhere."""
    if isinstance(here, dict) and step in here:
        return (here[str(step)],)
    if isinstance(here, list) and isinstance(step, int) and step < len(here):
        return (here[step],)
    return None


def _told(trail: Trail, document: Document) -> bool:
    return any(trail[:length] in document.tainted for length in range(len(trail) + 1))


def _problem(details: ErrorDetails, trail: Trail, document: Document, root: type[Text]) -> Problem:
    kind = details["type"]
    if _OURS in details.get("ctx", {}):
        return _own(details, trail, document)
    if kind == "missing":
        return _missing(details["loc"], trail, document, root)
    if kind == "extra_forbidden":
        return _unknown_key(details["loc"], trail, document, root)
    if kind in _TYPES:
        return _wrong_type(kind, details["input"], trail, document)
    code, what, fix = _TRANSLATIONS.get(kind, _otherwise)(details)
    return complaint(code, _about(trail, what), document.at(trail), fix=fix)


def _own(details: ErrorDetails, trail: Trail, document: Document) -> Problem:
    """Return a finding of our own rules: it carries its fix."""
    at_key = details["loc"][-1] == "[key]"
    where = document.at_key(trail) if at_key else document.at(trail)
    what = details["msg"] if at_key else _about(trail, details["msg"])
    return complaint(details["type"], what, where, fix=str(details["ctx"][_OURS]))


def _missing(
    loc: tuple[str | int, ...], trail: Trail, document: Document, root: type[Text]
) -> Problem:
    parent, key = trail[:-1], str(trail[-1])
    place = f" in {quoted(str(parent[-1]))}" if parent else ""
    info = keys_at(root, loc[:-1]).get(key)
    meaning = f" ({info.description.rstrip('.')})" if info and info.description else ""
    what, fix = f"key {quoted(key)} is missing{place}", f"add `{key}: …`{meaning}"
    return complaint("missing-key", what, document.at_key(parent), fix=fix)


def _unknown_key(
    loc: tuple[str | int, ...], trail: Trail, document: Document, root: type[Text]
) -> Problem:
    key = str(trail[-1])
    odd = odd_characters(key)
    what = f"unknown key {quoted(key)}{f': {odd}' if odd else ''}"
    fix = suggestion(key, keys_at(root, loc[:-1]))
    return complaint("unknown-key", what, document.at_key(trail), fix=fix)


def _wrong_type(kind: str, value: object, trail: Trail, document: Document) -> Problem:
    wanted, fix = _TYPES[kind]
    hidden = bool(_HIDDEN.intersection(trail))
    if kind == "string_type":
        fix = _as_text(value, hidden=hidden) or fix
    if kind == "int_type" and isinstance(value, str) and re.fullmatch(r"[0-9]{1,9}", value):
        fix = f"write {int(value)}, without quotes or leading zeros"
    what = _about(trail, f"expected {wanted}, found {_named(value, hidden=hidden)}")
    return complaint("wrong-type", what, document.at(trail), fix=fix)


def _as_text(value: object, *, hidden: bool) -> str:
    """Return how to write as text what YAML took for something else, "" if that is unclear."""
    if isinstance(value, dict) and list(value.values()) == [None] and not hidden:
        return f'text that begins with a brace needs quotes: "{{{next(iter(value))}}}"'
    if not isinstance(value, int | float | bool):
        return ""
    return 'write it in "quotes"' if hidden else f'write it in quotes: "{str(value).lower()}"'


def _named(value: object, *, hidden: bool) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, dict | list):
        size = "an empty" if not value else "a"
        return f"{size} {'mapping' if isinstance(value, dict) else 'list'}"
    kind = {bool: "the switch", str: "the text"}.get(type(value), "the number")
    shown = str(value).lower() if isinstance(value, bool) else str(value)
    return kind if hidden else f"{kind} {quoted(shown)}"


def _about(trail: Trail, what: str) -> str:
    """Begin with the key that the finding is about, if there is one."""
    key = next((step for step in reversed(trail) if isinstance(step, str)), "")
    return f"{key}: {what}" if key else what


_Translated = tuple[str, str, str]


def _literal(details: ErrorDetails) -> _Translated:
    expected = str(details["ctx"]["expected"]).replace("'", "")
    value = details["input"]
    if "'" not in details["ctx"]["expected"]:
        found = _named(value, hidden=False)
        return "bad-value", f"expected {expected}, found {found}", f"write {expected}, no quotes"
    if not isinstance(value, str):
        return "bad-value", f"{_named(value, hidden=False)} is not {expected}", f"write {expected}"
    words = expected.replace(" or ", ", ").split(", ")
    return "bad-value", f"{quoted(value)} is not {expected}", suggestion(value, words)


def _bounds(details: ErrorDetails) -> _Translated:
    context = details["ctx"]
    limit = f"at least {context['ge']}" if "ge" in context else f"at most {context['le']}"
    return "out-of-range", f"{details['input']} is out of range", f"write a number of {limit}"


def _tag(details: ErrorDetails) -> _Translated:
    expected = str(details["ctx"]["expected_tags"]).replace("'", "")
    what = f"kind {quoted(str(details['ctx']['tag']))} is not one of {expected}"
    return "bad-value", what, suggestion(str(details["ctx"]["tag"]), expected.split(", "))


def _too_long(details: ErrorDetails) -> _Translated:
    most = details["ctx"]["max_length"]
    return "too-long", f"more than {most} entries", f"list at most {most}"


def _otherwise(details: ErrorDetails) -> _Translated:
    return "invalid", details["msg"], "compare with the description of this key in docs/schema/"


_TRANSLATIONS: Mapping[str, Callable[[ErrorDetails], _Translated]] = {
    "literal_error": _literal,
    "greater_than_equal": _bounds,
    "less_than_equal": _bounds,
    "too_long": _too_long,
    "too_short": lambda _: ("empty", "nothing is listed here", "list at least one"),
    "union_tag_invalid": _tag,
    "union_tag_not_found": lambda _: (
        "missing-key",
        "this does not say what kind of probe it is",
        "write it as a mapping that begins with kind: http, kind: tcp or kind: postgres",
    ),
}
