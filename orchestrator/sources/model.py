"""What comes out of the repositories, as frozen values."""

from dataclasses import dataclass, field

from orchestrator.fleet.desired import DesiredStack
from orchestrator.fleet.unit import Revision, Unit
from orchestrator.sources.findings import Position


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """A file that a compose file names; kind is config, secret or env_file."""

    kind: str
    path: str
    at: Position


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseFile:
    """A file of a release: path relative to the release's root, its bytes, executable or not."""

    path: str
    content: bytes = field(repr=False)
    executable: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """The files of a unit's compose folder at a revision.

    `digest` is the SHA-256 (hex) over the canonical listing of all files, `name` the folder it
    gets on the manager. `compose` is the path of the compose file within the release.
    `holds_secrets`: some of its files are those of secrets.
    """

    unit: Unit
    revision: Revision
    name: str
    digest: str
    compose: str
    files: tuple[ReleaseFile, ...] = field(repr=False)
    holds_secrets: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Sourced:
    """A unit's desired state and the release that brings it about.

    `variable_names` are those the file really interpolates. `data_digest` is the SHA-256 (hex)
    over the files of its configs and secrets, "" if it has none: what is in them a Swarm never
    changes in place. `remarks` say what is hardly meant in the compose file.
    """

    desired: DesiredStack
    release: Release
    variable_names: tuple[str, ...] = ()
    data_digest: str = ""
    remarks: tuple[str, ...] = ()
