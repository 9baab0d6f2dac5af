"""A compose file with labels on every service: one document, which Docker has nothing to merge in.

Each value is written so that every docker command reads the same in it: `yes`, `0891` and a date
mean one thing to Docker 20.10 and another to Docker 28, whose reading is the one that counts.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from orchestrator.sources.document import Pair, Scalar, Series, Table, Tree, table
from orchestrator.sources.extra_hosts import bare_address, in_old_form
from orchestrator.sources.findings import NOWHERE
from orchestrator.sources.plain_scalar import Value
from orchestrator.sources.reading import as_text

_STEP = "  "
_ESCAPED = re.compile(
    r'["\\]|[^\t\x20-\x7e\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd]|[\u2028\u2029\xa0]'
)
"""What cannot stand for itself between double quotes on one line (YAML 1.1, 5.1 and 5.4)."""


def labelled(root: Table, labels: Mapping[str, str], images: Mapping[str, str]) -> str:
    """Return the compose file `root`, with `labels` on all its services, as a YAML document.

    Aliases and merge keys are written out. A label that the file gives too is ours. `$` in
    labels is doubled, for Docker puts variables in.

    Args:
        root: as `parse` returns it, without variables put in; nothing was found to be wrong.
        labels: by name.
        images: by service, the image that takes the place of the one that stands there.

    """
    ours = {name: value.replace("$", "$$") for name, value in labels.items()}

    def changed(name: str, body: Tree) -> Tree:
        return _with_labels(_with_image(body, images.get(name, "")), ours)

    services = _each(root.get("services"), changed)
    whole = root if services is None else _put(root, "services", services)
    return "".join(f"{line}\n" for line in _lines(whole))


def expanded(tree: Tree) -> int:
    """Return how many values there are once every alias is written out."""
    known: dict[int, int] = {}

    def count(part: Tree) -> int:
        if id(part) not in known:
            match part:
                case Table(pairs=pairs):
                    known[id(part)] = 1 + sum(count(pair.value) for pair in pairs)
                case Series(items=items):
                    known[id(part)] = 1 + sum(count(item) for item in items)
                case _:
                    known[id(part)] = 1
        return known[id(part)]

    return count(tree)


def _each(services: Tree | None, change: Callable[[str, Tree], Tree]) -> Tree | None:
    if not isinstance(services, Table):
        return services
    pairs = tuple(replace(pair, value=change(pair.key, pair.value)) for pair in services)
    return replace(services, pairs=pairs)


def _with_image(body: Tree, image: str) -> Tree:
    return _put(body, "image", _text(image)) if image and isinstance(body, Table) else body


def _with_labels(body: Tree, labels: Mapping[str, str]) -> Tree:
    """Add labels where Docker looks for them; what it refuses there stays for it to refuse."""
    if not isinstance(body, Table):
        return body
    deploy = body.get("deploy")
    if not (_is_nothing(deploy) or isinstance(deploy, Table)):
        return body
    parts = table(deploy)
    with_labels = _put(parts, "labels", _joined(parts.get("labels"), labels))
    return _with_plain_hosts(_put(body, "deploy", with_labels))


def _with_plain_hosts(body: Table) -> Table:
    hosts = body.get("extra_hosts")
    if isinstance(hosts, Series):
        lines = tuple(_changed(item, in_old_form) for item in hosts)
        return _put(body, "extra_hosts", replace(hosts, items=lines))
    if isinstance(hosts, Table):
        pairs = (replace(pair, value=_changed(pair.value, bare_address)) for pair in hosts)
        return _put(body, "extra_hosts", replace(hosts, pairs=tuple(pairs)))
    return body


def _changed(tree: Tree, change: Callable[[str], str]) -> Tree:
    """Change a text; one that variables are put into is known to Docker alone."""
    if isinstance(tree, Scalar) and isinstance(tree.value, str) and "$" not in tree.value:
        return replace(tree, value=change(tree.value))
    return tree


def _is_nothing(tree: Tree | None) -> bool:
    return tree is None or (isinstance(tree, Scalar) and tree.value is None)


def _joined(own: Tree | None, labels: Mapping[str, str]) -> Tree:
    """Add labels to those that stand there, as a list or as a mapping."""
    if isinstance(own, Series):
        kept = (item for item in own if _name(item) not in labels)
        added = (_text(f"{name}={value}") for name, value in labels.items())
        return replace(own, items=(*kept, *added))
    if not (_is_nothing(own) or isinstance(own, Table)):
        assert own is not None  # noqa: S101 - says mypy
        return own
    joined = table(own)
    for name, value in labels.items():
        joined = _put(joined, name, _text(value))
    return joined


def _name(item: Tree) -> str:
    return str(item.value).partition("=")[0] if isinstance(item, Scalar) else ""


def _text(value: str) -> Scalar:
    return Scalar(value=value, at=NOWHERE)


def _put(body: Table, key: str, value: Tree) -> Table:
    """Return the mapping with `value` for `key`, in its old place or as the last one."""
    if body.get(key) is None:
        new = Pair(key=key, at=NOWHERE, value=value)
        return replace(body, pairs=(*body, new))
    pairs = tuple(replace(pair, value=value) if pair.key == key else pair for pair in body)
    return replace(body, pairs=pairs)


def _lines(tree: Tree) -> Iterator[str]:
    """Write a mapping or a sequence in block style, where any plain scalar stays what it is."""
    if isinstance(tree, Table):
        for pair in tree:
            yield from _entry(f"{_quoted(pair.key)}:", pair.value)
    elif isinstance(tree, Series):
        for item in tree:
            yield from _entry("-", item)


def _entry(start: str, value: Tree) -> Iterator[str]:
    match value:
        case Table(pairs=()):
            yield f"{start} {{}}"
        case Series(items=()):
            yield f"{start} []"
        case Scalar(value=single):
            yield f"{start} {_scalar(single)}"
        case _:
            yield start
            yield from (_STEP + line for line in _lines(value))


def _scalar(value: Value) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return str(value).lower()
        case int() | float():
            return repr(value)
    return _quoted(as_text(value))


def _quoted(text: str) -> str:
    return f'"{_ESCAPED.sub(_escape, text)}"'


def _escape(found: re.Match[str]) -> str:
    character = found[0]
    if character in '"\\':
        return f"\\{character}"
    return f"\\U{ord(character):08x}"
