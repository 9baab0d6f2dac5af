"""What is stored of a fleet: taken from one, put into one, written to a folder and read back."""

import base64
import json
import shutil
import zlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from orchestrator.cli.journals import JournalFolder, MemoryJournals
from orchestrator.engine.journal_file import read_journal
from orchestrator.simulation import api
from orchestrator.simulation.objects import SimService
from tests.simulated import Simulated
from tests.states.keyboard import Keyboard
from tests.versions.scenes import Scene, play

HERE = Path(__file__).parent
VERSIONS = ("0.1", "0.2")
"""The folders of what was stored by each version that may still be out there, the newest last."""
_OURS = "dtdeploy."
_FILE = "swarms.json"
_RUNS = "runs"
Labels = dict[str, str]


@dataclass(frozen=True, slots=True)
class Kept:
    """What one site keeps: labels of services by name, and of configs with their data."""

    services: dict[str, Labels]
    configs: dict[str, tuple[Labels, str]]
    audit: list[str]
    releases: list[tuple[str, str]]
    """Name and digest of each."""


def kept(shared: Simulated) -> dict[str, Kept]:
    """Return what is stored at each site."""
    return {
        name: Kept(
            services={each.name: _ours(each) for each in _by_name(site.swarm.services.values())},
            configs={
                each.name: (dict(sorted(each.labels)), base64.b64encode(each.data).decode())
                for each in site.swarm.configs.values()
                if each.name.startswith(_OURS)
            },
            audit=list(site.audit),
            releases=sorted(site.releases),
        )
        for name, site in sorted(shared.fleet.sites.items())
    }


def put_back(shared: Simulated, stored: dict[str, Kept]) -> None:
    """Let a fleet hold what was stored, and nothing else of ours."""
    for name, keeps in stored.items():
        site = shared.fleet.sites[name]
        swarm = site.swarm
        services = {each.name: each for each in swarm.services.values()}
        assert services.keys() == keeps.services.keys(), f"the scene ends otherwise at {name}"
        for service, labels in keeps.services.items():
            others = [(key, value) for key, value in services[service].labels if not _is_ours(key)]
            services[service].labels = (*others, *labels.items())
            services[service].view = None
        for config in [each for each in swarm.configs.values() if each.name.startswith(_OURS)]:
            api.delete_config(swarm, config.id)
        for config_name, (labels, data) in keeps.configs.items():
            api.create_config(
                swarm,
                config_name,
                stack="",
                labels=tuple(labels.items()),
                data=base64.b64decode(data),
            )
        site.audit[:] = keeps.audit
        assert sorted(site.releases) == keeps.releases, f"other files lie at {name}"


def write(scene: Scene, folder: Path) -> None:
    """Let a scene happen, and write what is stored then to a folder."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    shared = play(scene, folder, JournalFolder(folder / _RUNS)).desk.shared
    text = json.dumps({site: asdict(keeps) for site, keeps in kept(shared).items()}, indent=1)
    (folder / _FILE).write_text(text + "\n", encoding="utf-8")


def read(folder: Path) -> dict[str, Kept]:
    """Read what is stored at each site."""
    told = json.loads((folder / _FILE).read_text("utf-8"))
    return {
        site: Kept(
            services=keeps["services"],
            configs={name: (labels, data) for name, (labels, data) in keeps["configs"].items()},
            audit=keeps["audit"],
            releases=[(name, digest) for name, digest in keeps["releases"]],
        )
        for site, keeps in told.items()
    }


def state_of(scratch: Path) -> Path:
    """Return what XDG_STATE_HOME is at the machine."""
    return scratch / "state"


def found(scene: Scene, version: str, scratch: Path, *, elsewhere: bool = False) -> Keyboard:
    """Return a keyboard at a fleet where a scene happened and a version stored what there is.

    Args:
        scene: What happened.
        version: The folder of who stored it.
        scratch: A folder for the machine's journals: see `state_of`.
        elsewhere: On a machine that has none of them.

    """
    played = scratch / "played"
    played.mkdir()
    made = play(scene, played, MemoryJournals())
    folder = HERE / version / scene.name
    put_back(made.desk.shared, read(folder))
    runs = state_of(scratch) / "dtdeploy" / _RUNS
    if not elsewhere:
        shutil.copytree(folder / _RUNS, runs)
        for file in runs.iterdir():
            file.chmod(0o600)
        runs.chmod(0o700)
    made.desk.journals = JournalFolder(runs)
    return made


def shapes(folder: Path) -> set[str]:
    """Return which fields everything in a scene's folder has, each with the kind of its value."""
    return {
        *_shapes_of_configs(read(folder)),
        *(f"plan {each}" for file in folder.glob("*.plan") for each in _of_json(file)),
        *(
            f"journal {entry.kind.value} {field}"
            for file in (folder / _RUNS).glob("*.journal")
            for entry in read_journal(file)
            for field in fields(_without_record(entry.body))
        ),
    }


def _shapes_of_configs(stored: dict[str, Kept]) -> Iterator[str]:
    for keeps in stored.values():
        for labels in keeps.services.values():
            yield from (f"service {name}" for name in labels)
        for name, (labels, data) in keeps.configs.items():
            for label, value in labels.items():
                yield from (f"{name} {label} {field}" for field in fields(_parsed(value)))
            if name == "dtdeploy.run":
                record = json.loads(zlib.decompress(base64.b64decode(data)))
                yield from (f"record {field}" for field in fields(record))


def _without_record(body: Any) -> Any:
    """The record is in a journal as it is in the lock."""
    return {key: "" if key == "record" else value for key, value in body.items()}


def _of_json(file: Path) -> Iterator[str]:
    yield from fields(json.loads(file.read_bytes()))


def _parsed(text: str) -> Any:
    return json.loads(text) if text.startswith(("{", "[")) else text


def fields(value: Any, at: str = "") -> Iterator[str]:
    """Yield the path of each value within JSON, and its kind; one path for all of a list."""
    match value:
        case dict():
            for key, part in value.items():
                yield from fields(part, f"{at}.{key}")
        case list() | tuple():
            for part in value:
                yield from fields(part, f"{at}[]")
        case _:
            yield f"{at}: {type(value).__name__}"


def _is_ours(name: str) -> bool:
    return name.startswith(_OURS)


def _ours(service: SimService) -> Labels:
    return {name: value for name, value in sorted(service.labels) if _is_ours(name)}


def _by_name(services: Any) -> list[SimService]:
    return sorted(services, key=lambda each: each.name)
