"""Twenty secrets, planted where secrets are, and looked for wherever anything is written."""

import html
import json
import re
import zlib
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote, quote_plus

NAMES = (
    "variable", "variable-in-base64", "variable-in-url", "variable-in-json",
    "environment-declared", "environment-running", "label", "container-label",
    "config", "secret", "database-url", "web-login", "registry-auth", "registry-config",
    "bearer", "json", "json-in-json", "assignment", "repo-url", "announce",
)  # fmt: skip
CANARIES: Mapping[str, str] = {
    name: f'canary "{number:02}"/+?é-{name}'.replace(" ", "_") for number, name in enumerate(NAMES)
}
KNOWN = tuple(CANARIES[name] for name in NAMES if name.startswith("variable"))
"""Those that the operator's environment gives to a deploy."""


def docker_says() -> str:
    """Return an error such as Docker, SSH and registries make them, full of secrets."""
    of = CANARIES
    auth = b64encode(json.dumps({"username": "u", "password": of["registry-auth"]}).encode())
    config = {"auths": {"registry:5000": {"auth": _bare(of["registry-config"])}}}
    inner = json.dumps({"identitytoken": of["json-in-json"]}, ensure_ascii=False)
    return "; ".join(
        (
            f"starting container failed: exec {of['variable']}: no such file",
            f"got {b64encode(of['variable-in-base64'].encode()).decode()}",
            f"GET /hook?key={quote(of['variable-in-url'], safe='')}",
            f"body {json.dumps(of['variable-in-json'])}",
            f"dial postgres://datatrail:{quote(of['database-url'], safe='')}@db:5432",
            f"fatal: https://bot:{quote(of['web-login'], safe='')}@git.example/x not found",
            f"X-Registry-Auth: {auth.decode()}",
            f"config {json.dumps(config)}",
            f"Authorization: Bearer {_bare(of['bearer'])}",
            f"request {json.dumps({'password': of['json']}, ensure_ascii=False)}",
            f"log {json.dumps(inner, ensure_ascii=False)}",
            f"env DB_PASSWORD={_bare(of['assignment'])} failed",
        )
    )


def _bare(value: str) -> str:
    """Return a secret as it may stand unquoted."""
    return quote(value, safe="")


def forms(value: str) -> set[str]:
    """Return how a secret may be written."""
    raw = value.encode()
    plain = json.dumps(value)[1:-1]
    return {
        value,
        b64encode(raw).decode(),
        b64encode(raw).decode().rstrip("="),
        urlsafe_b64encode(raw).decode().rstrip("="),
        quote(value),
        quote(value, safe=""),
        quote_plus(value),
        plain,
        json.dumps(value, ensure_ascii=False)[1:-1],
        json.dumps(plain)[1:-1],
    }


def found_in(text: str, names: Iterable[str] = NAMES) -> set[str]:
    """Return the canaries that a text holds in any form."""
    every = text + _decoded(text) + html.unescape(text)
    return {name for name in names if any(form in every for form in forms(CANARIES[name]))}


def files_below(*folders: Path) -> Iterator[tuple[Path, str]]:
    """Yield every file, compressed ones too, as text."""
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                yield path, readable(path.read_bytes())


def readable(data: bytes) -> str:
    """Return data as text, inflated where it is a run's record."""
    with suppress(zlib.error):
        data += zlib.decompress(data)
    return data.decode(errors="replace")


def _decoded(text: str) -> str:
    """Return the same with JSON's escapes undone: an é may stand as \\u00e9."""
    return re.sub(r"\\u([0-9a-f]{4})", lambda found: chr(int(found[1], 16)), text)
