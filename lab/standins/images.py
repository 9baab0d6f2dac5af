"""The two stand-in images in all their kinds, built from Debian's static busybox. Pure.

They are put together and pushed as the registry stores them, without a docker daemon: that is
quick, needs no host to be up, and gives the same digests every time.
"""

import gzip
import hashlib
import io
import json
import platform
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lab.standins.kinds import PUSHED, Kind

SERVER_IMAGE = "chimefrb/maestro-datatrail"
CLIENT_IMAGE = "chimefrb/maestro-datatrail-client"
MANIFEST_TYPE = "application/vnd.docker.distribution.manifest.v2+json"
_CONFIG_TYPE = "application/vnd.docker.container.image.v1+json"
_LAYER_TYPE = "application/vnd.docker.image.rootfs.diff.tar.gzip"
_ROOTFS = Path(__file__).parent / "rootfs"
_APPLETS = (
    "sh",
    "nc",
    "mkfifo",
    "rm",
    "cat",
    "grep",
    "sleep",
    "kill",
    "false",
    "true",
    "ls",
    "ps",
    "env",
)
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
_OTHER = {"amd64": "arm64", "arm64": "amd64"}
CREATED = "2026-01-01T00:00:00Z"
_SECOND = 1_000_000_000
_FAILS = {"Test": ["CMD", "/bin/false"], "Interval": _SECOND, "Timeout": 2 * _SECOND}
_HEALTH_CHECKS = {
    Kind.NEVER_HEALTHY: _FAILS | {"Retries": 100_000},
    Kind.UNHEALTHY: _FAILS | {"Retries": 2},
}


@dataclass(frozen=True, slots=True)
class Image:
    """What the registry is to hold: a manifest and the blobs that it names."""

    name: str
    tag: str
    manifest: bytes
    blobs: tuple[bytes, ...]


def build_all(busybox: bytes, created: str = CREATED) -> list[Image]:
    """Build both images in every kind that can be pulled.

    What was `created` at another time does the same and has another digest.
    """
    layers = {name: _layer(name, busybox) for name in (SERVER_IMAGE, CLIENT_IMAGE)}
    return [_build(name, kind, layer, created) for name, layer in layers.items() for kind in PUSHED]


def digest(blob: bytes) -> str:
    """Name a blob as registries do."""
    return f"sha256:{hashlib.sha256(blob).hexdigest()}"


def _build(name: str, kind: Kind, layer: bytes, created: str) -> Image:
    settings: dict[str, object] = {
        "Env": ["PATH=/bin", f"MISBEHAVE={kind.value}"],
        "Entrypoint": ["/bin/maestro"],
        "WorkingDir": "/",
    }
    if check := _HEALTH_CHECKS.get(kind):
        settings["Healthcheck"] = check
    plain = digest(gzip.decompress(layer))
    here = _ARCHITECTURES[platform.machine()]
    config = _json(
        {
            "architecture": _OTHER[here] if kind is Kind.OTHER_MACHINE else here,
            "os": "linux",
            "created": created,
            "config": settings,
            "rootfs": {"type": "layers", "diff_ids": [plain]},
            "history": [{"created": created, "created_by": "lab"}],
        }
    )
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST_TYPE,
        "config": _reference(config, _CONFIG_TYPE),
        "layers": [_reference(layer, _LAYER_TYPE)],
    }
    return Image(name, kind.tag, _json(manifest), (config, layer))


def _reference(blob: bytes, media_type: str) -> dict[str, object]:
    return {"mediaType": media_type, "size": len(blob), "digest": digest(blob)}


def _json(value: object) -> bytes:
    return json.dumps(value, indent=1).encode()


def _layer(name: str, busybox: bytes) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for entry, content in _entries(name, busybox):
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    # No time in the header: the same content is to have the same digest.
    return gzip.compress(buffer.getvalue(), compresslevel=6, mtime=0)


def _entries(name: str, busybox: bytes) -> Iterator[tuple[tarfile.TarInfo, bytes]]:
    for folder in ("bin", "lib", "etc", "tmp"):
        entry = tarfile.TarInfo(folder)
        entry.type, entry.mode = tarfile.DIRTYPE, 0o1777 if folder == "tmp" else 0o755
        yield entry, b""
    yield _file("bin/busybox"), busybox
    for applet in _APPLETS:
        entry = tarfile.TarInfo(f"bin/{applet}")
        entry.type, entry.linkname = tarfile.SYMTYPE, "busybox"
        yield entry, b""
    for script in sorted(_ROOTFS.glob("*.sh")):
        place = "bin/maestro" if script.stem == "maestro" else f"lib/{script.name}"
        yield _file(place), script.read_bytes()
    yield _file("etc/image"), name.encode()


def _file(path: str) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(path)
    entry.mode = 0o755
    return entry
