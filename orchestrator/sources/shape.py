"""What kinds of values may stand where in a compose file, and the check against it."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum

from rapidfuzz import process

from orchestrator.sources.document import Pair, Scalar, Series, Table, Tree
from orchestrator.sources.duration import seconds
from orchestrator.sources.findings import Findings, Position
from orchestrator.sources.plain_scalar import Timestamp
from orchestrator.sources.reading import as_text

_NAME = re.compile(r"[a-zA-Z0-9._-]+")
_WHOLE = re.compile(r"[+-]?[0-9]+")
_TRUTH = {"y", "yes", "true", "on", "n", "no", "false", "off"}


class Kind(Enum):
    """Kinds of single values; the words complete "must be"."""

    TEXT = "a string"
    WHOLE = "a whole number"
    INTEGER = "a whole number without a point"
    NUMBER = "a number"
    TRUTH = "true or false"
    DURATION = "a duration such as 10s or 1m30s, in quotes if in doubt"
    NULL = "empty"


@dataclass(frozen=True, slots=True)
class Of:
    """A single value of one of `kinds`.

    With `cast`, a text that came out of a variable is read as that kind (docker/cli 28,
    cli/compose/loader/interpolate.go); elsewhere it stays a string and is refused as one.
    With `dates`, a date without quotes is taken and becomes the text that Go writes for it.
    `parse` raises a ValueError that says what is wrong with a value's text.
    """

    kinds: tuple[Kind, ...]
    cast: bool = False
    dates: bool = False
    parse: Callable[[str], object] | None = None


@dataclass(frozen=True, slots=True)
class ListOf:
    """A sequence; with `unique`, no item may stand in it twice."""

    item: "Rule"
    unique: bool = False


@dataclass(frozen=True, slots=True)
class Keys:
    """A mapping with known keys, the `required` ones among them.

    From version 3.`open` on any other key is allowed, from version 3.`extensions` on any that
    begins with x-.
    """

    known: Mapping[str, "Rule"]
    open: int | None = None
    extensions: int | None = None
    required: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Named:
    """A mapping from names of the author's choice; `free` ones may hold any character."""

    value: "Rule"
    free: bool = False


@dataclass(frozen=True, slots=True)
class Either:
    """One of several rules, told apart by whether the value is single, a list or a mapping."""

    rules: tuple["Rule", ...]


@dataclass(frozen=True, slots=True)
class Since:
    """A rule for what there is from version 3.`minor` of the format on."""

    minor: int
    rule: "Rule"


Rule = Of | ListOf | Keys | Named | Either | Since


@dataclass(frozen=True, slots=True)
class Shape:
    """Checks a tree against rules as version 3.`minor` of the format has them."""

    findings: Findings
    minor: int

    def check(self, tree: Tree, rule: Rule, path: str, at: Position | None = None) -> None:
        """Note everything that is not as the rule says, under Docker's dotted names."""
        chosen = _fitting(tree, rule)
        if isinstance(chosen, Since):
            self._check_version(chosen.minor, path, at or tree.at)
            chosen = _fitting(tree, chosen.rule)
        match (chosen, tree):
            case (Of(), Scalar()):
                self._check_value(tree, chosen, rule, path)
            case (ListOf(), Series(items=items)):
                self._check_items(items, chosen, path)
            case (Keys(), Table(pairs=pairs)):
                self._check_keys(tree.at, pairs, chosen, path)
            case (Named(), Table(pairs=pairs)):
                for pair in pairs:
                    self._check_named(pair, chosen, path)
            case _:
                self._wrong(path, rule, tree.at)

    def _check_value(self, scalar: Scalar, of: Of, rule: Rule, path: str) -> None:
        if isinstance(scalar.value, Timestamp) and not of.dates:
            what = f"{path} must be {_described(rule)}; to Docker this is a date"
            self._add(what, scalar.at, fix="put it in quotes")
        elif not _is_of(scalar, of):
            self._wrong(path, rule, scalar.at)
        elif of.parse is not None and not (scalar.broken or scalar.secret):
            try:
                of.parse(as_text(scalar.value))
            except ValueError as error:
                self.findings.add("bad-value", f"{path}: {error}", scalar.at)

    def _check_version(self, minor: int, path: str, at: Position) -> None:
        if self.minor < minor:
            self._add(
                f"{path} needs version 3.{minor} of the format, this file says 3.{self.minor}",
                at,
                fix=f'version: "3.{minor}"',
            )

    def _check_named(self, pair: Pair, named: Named, path: str) -> None:
        if not named.free and not _NAME.fullmatch(pair.key):
            self._add(f"{path}: {pair.key!r} is no name Docker takes", pair.at)
        self.check(pair.value, named.value, _join(path, pair.key))

    def _check_keys(self, at: Position, pairs: tuple[Pair, ...], keys: Keys, path: str) -> None:
        for name in keys.required:
            if name not in {pair.key for pair in pairs}:
                self._add(f"{path} must have {name!r}", at)
        for pair in pairs:
            self._check_key(pair, keys, path)

    def _check_key(self, pair: Pair, keys: Keys, path: str) -> None:
        rule = keys.known.get(pair.key)
        if rule is not None:
            self.check(pair.value, rule, _join(path, pair.key), pair.at)
        elif keys.extensions is not None and pair.key.startswith("x-"):
            self._check_version(keys.extensions, _join(path, pair.key), pair.at)
        elif keys.open is None or self.minor < keys.open:
            near = process.extractOne(pair.key, list(keys.known), score_cutoff=70)
            self._add(
                f"{path or 'the top level'}: Docker takes no {pair.key!r} here",
                pair.at,
                fix=f"did you mean {near[0]!r}?" if near else f"remove {pair.key!r}",
            )

    def _check_items(self, items: tuple[Tree, ...], wanted: ListOf, path: str) -> None:
        for number, item in enumerate(items):
            self.check(item, wanted.item, f"{path}.{number}")
        if wanted.unique:
            self._check_unique(items, path)

    def _check_unique(self, items: tuple[Tree, ...], path: str) -> None:
        seen = set()
        for item in items:
            content = _content(item)
            if content in seen:
                what = repr(item.value) if isinstance(item, Scalar) else "the same"
                self._add(f"{path}: {what} stands here twice", item.at)
            seen.add(content)

    def _wrong(self, path: str, rule: Rule, at: Position) -> None:
        self._add(f"{path} must be {_described(rule)}", at)

    def _add(self, what: str, at: Position, *, fix: str = "") -> None:
        self.findings.add("not-compose", what, at, fix=fix)


def _content(tree: Tree) -> object:
    """Return what a tree says, wherever it stands."""
    match tree:
        case Table(pairs=pairs):
            return frozenset((pair.key, _content(pair.value)) for pair in pairs)
        case Series(items=items):
            return tuple(_content(item) for item in items)
        case Scalar():
            return type(tree.value), tree.value, tree.secret


def _join(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


_FORMS: dict[type, tuple[type, ...]] = {Scalar: (Of,), Series: (ListOf,), Table: (Keys, Named)}


def _fitting(tree: Tree, rule: Rule) -> Rule:
    """Choose, of several rules, the one for a value of this form."""
    if not isinstance(rule, Either):
        return rule
    fits = (option for option in rule.rules if isinstance(_bare(option), _FORMS[type(tree)]))
    return next(fits, rule)


def _bare(rule: Rule) -> Rule:
    return rule.rule if isinstance(rule, Since) else rule


def _is_of(scalar: Scalar, of: Of) -> bool:
    cast = of.cast and scalar.interpolated
    return scalar.broken or any(_is_kind(scalar, kind, cast=cast) for kind in of.kinds)


def _is_kind(  # noqa: PLR0911 - one for each kind
    scalar: Scalar, kind: Kind, *, cast: bool
) -> bool:
    value = scalar.value
    match kind:
        case Kind.TEXT:
            return isinstance(value, str | Timestamp)
        case Kind.DURATION:
            return isinstance(value, str) and seconds(value) is not None
        case Kind.WHOLE:
            return _is_whole(value) or (cast and bool(_WHOLE.fullmatch(str(value))))
        case Kind.INTEGER:
            return _is_kind(scalar, Kind.WHOLE, cast=cast) and not isinstance(value, float)
        case Kind.NUMBER:
            return _is_whole(value) or isinstance(value, float) or (cast and _is_number(str(value)))
        case Kind.TRUTH:
            return isinstance(value, bool) or (cast and str(value).lower() in _TRUTH)
        case Kind.NULL:
            return value is None


def _is_whole(value: object) -> bool:
    if isinstance(value, float):
        return value.is_integer()
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _described(rule: Rule) -> str:
    match rule:
        case Of(kinds=kinds):
            return " or ".join(kind.value for kind in kinds)
        case ListOf():
            return "a list"
        case Keys() | Named():
            return "a mapping"
        case Either(rules=rules):
            return " or ".join(_described(option) for option in rules)
        case Since(rule=inner):
            return _described(inner)
