"""What a dtdeploy is made of, as CycloneDX 1.6 in JSON: from the pins and the installed metadata.

See docs/decisions/0031-reproducible-builds.md.
"""

import importlib.metadata
import re
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression
from packaging.utils import canonicalize_name

# What their files say, where their metadata has no SPDX identifier.
_LOOKED_UP = {
    "gitdb": "BSD-3-Clause",
    "jinja2": "BSD-3-Clause",
    "markdown-it-py": "MIT",
    "mdurl": "MIT",
}
_PIN = re.compile(
    r"^(?P<name>[\w.-]+)==(?P<version>\S+)(?P<hashes>(?: \\\n +--hash=sha256:[0-9a-f]{64})+)\n"
    r"(?P<via>(?: +#.*\n)+)",
    re.MULTILINE,
)
_OURS = "dtdeploy"
_PROJECT = f"{_OURS} (pyproject.toml)"


@dataclass(frozen=True, slots=True)
class Library:
    """A library as it is pinned: `via` says who asks for it, `licence` is an SPDX expression."""

    name: str
    version: str
    hashes: tuple[str, ...]
    via: tuple[str, ...]
    licence: str

    @property
    def purl(self) -> str:
        """Its package URL."""
        return f"pkg:pypi/{self.name}@{self.version}"


def libraries(pins: str) -> tuple[Library, ...]:
    """Return every library of a requirements file that pip-compile wrote.

    Raises:
        SystemExit: One is installed in another version, or nobody knows its licence.

    """
    return tuple(_library(pin) for pin in _PIN.finditer(pins))


def licence_of(name: str) -> str:
    """Return the licence of an installed library, as an SPDX expression.

    Raises:
        SystemExit: Neither its metadata nor the table here says it so.

    """
    known = importlib.metadata.metadata(name)
    said = known["License-Expression"] or _LOOKED_UP.get(name) or known["License"] or ""
    try:
        return str(canonicalize_license_expression(said))
    except InvalidLicenseExpression as error:
        raise SystemExit(
            f"{name} {known['Version']} names no licence by its SPDX identifier ({said!r}): "
            "look it up and add it to _LOOKED_UP in scripts/lib/sbom.py"
        ) from error


def bill(
    version: str, found: tuple[Library, ...], *, built: dict[str, str], seconds: int
) -> object:
    """Return the bill of materials.

    Args:
        version: The version of dtdeploy.
        found: The libraries that it runs on, and the one that builds it.
        built: SHA-256 of each archive by its file name.
        seconds: When the commit was made, since 1970.

    """
    ours = f"pkg:pypi/{_OURS}@{version}"
    content = " ".join(sorted((*built.values(), *(each.purl for each in found))))
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, f'{ours} {content}')}",
        "version": 1,
        "metadata": {
            "timestamp": datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "component": {
                "type": "application",
                "bom-ref": ours,
                "name": _OURS,
                "version": version,
                "purl": ours,
                "licenses": _licences(licence_of(_OURS)),
                "externalReferences": [
                    {"type": "distribution", "url": name, "hashes": _hashes((digest,))}
                    for name, digest in sorted(built.items())
                ],
            },
        },
        "components": [_component(each) for each in found],
        "dependencies": [
            {"ref": ours, "dependsOn": _asked_for(_PROJECT, found)},
            *({"ref": each.purl, "dependsOn": _asked_for(each.name, found)} for each in found),
        ],
    }


def _library(pin: re.Match[str]) -> Library:
    name = canonicalize_name(pin["name"])
    installed = importlib.metadata.version(name)
    if installed != pin["version"]:
        raise SystemExit(f"{name} is pinned at {pin['version']}, but {installed} is installed")
    lines = (line.strip(" #") for line in pin["via"].splitlines())
    return Library(
        name=name,
        version=pin["version"],
        hashes=tuple(re.findall(r"sha256:([0-9a-f]{64})", pin["hashes"])),
        via=tuple(said for line in lines if (said := line.removeprefix("via").strip())),
        licence=licence_of(name),
    )


def _component(library: Library) -> dict[str, Any]:
    return {
        "type": "library",
        "bom-ref": library.purl,
        "name": library.name,
        "version": library.version,
        # What only requirements/runtime.in asks for builds dtdeploy, and is not imported by it.
        "scope": "excluded" if library.via == ("-r requirements/runtime.in",) else "required",
        "purl": library.purl,
        "hashes": _hashes(library.hashes),
        "licenses": _licences(library.licence),
    }


def _licences(expression: str) -> list[dict[str, Any]]:
    if " " in expression:
        return [{"expression": expression}]
    return [{"license": {"id": expression}}]


def _hashes(digests: tuple[str, ...]) -> list[dict[str, str]]:
    return [{"alg": "SHA-256", "content": digest} for digest in digests]


def _asked_for(name: str, found: tuple[Library, ...]) -> list[str]:
    return [each.purl for each in found if name in each.via]
