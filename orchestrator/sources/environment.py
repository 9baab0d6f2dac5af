"""A service's environment: its env_files and its own, as docker/cli puts them together."""

from collections.abc import Iterable, Mapping

from orchestrator.sources.document import Table
from orchestrator.sources.reading import Reader

Environment = tuple[tuple[str, str | None], ...]


def environment(
    body: Table, env_files: Iterable[bytes], given: Mapping[str, str], reader: Reader
) -> Environment:
    """Return the environment of a service, by name.

    Args:
        body: the service.
        env_files: the contents of its env_files, in their order.
        given: what the deploy has in its own environment: a name without a value, or with an
            empty one, takes its value from there (docker/cli compose/loader, resolveEnvironment).
        reader: reads values.

    """
    found: dict[str, str | None] = {}
    for content in env_files:
        _add(found, _read(content, given), given)
    _add(found, reader.settings(body.get("environment")), given)
    return tuple(sorted(found.items()))


def _add(
    found: dict[str, str | None], more: Mapping[str, str | None], given: Mapping[str, str]
) -> None:
    for key, own in more.items():
        value = own or given.get(key, own)
        # What stands in the name behind a `=` is a part of the value to all who read it.
        name, equals, rest = key.partition("=")
        found[name] = f"{rest}={value or ''}" if equals else value


def _read(content: bytes, given: Mapping[str, str]) -> dict[str, str | None]:
    """Read an env_file: lines of NAME=value, the value as it is; NAME alone if it is given.

    From docker/cli opts/file.go; what it refuses was told before.
    """
    found: dict[str, str | None] = {}
    text = content.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "replace")
    for line in text.split("\n"):
        name, equals, value = line.removesuffix("\r").lstrip().partition("=")
        if not name or name.startswith("#"):
            continue
        if equals:
            found[name] = value
        elif name in given:
            found[name] = given[name]
    return found
