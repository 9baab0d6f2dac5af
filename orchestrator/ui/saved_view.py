"""A saved plan's head: which plan it is, until when it may be applied, and how."""

from dataclasses import dataclass
from datetime import datetime

from orchestrator.command_line import AS_IT_IS, Manner, typed


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedHead:
    """What is said of a saved plan above it; `manner` is how commands have to be typed here."""

    file: str
    sha256: str
    id: str
    creator: str
    created: datetime
    expires: datetime
    manner: Manner = AS_IT_IS

    @property
    def apply(self) -> str:
        """The command that applies it and nothing else."""
        return self.manner.fit(typed("apply", self.file, "--expect", self.sha256))


def saved_lines(head: SavedHead) -> list[str]:
    """Return the lines above a plan that is saved."""
    made = f"{head.created:%Y-%m-%d %H:%M} UTC by {head.creator}"
    return [
        f"PLAN {head.sha256}",
        f"     made {made}, good until {head.expires:%Y-%m-%d %H:%M} UTC",
        f"     {head.apply}",
        "",
    ]


def saved_json(head: SavedHead) -> dict[str, str]:
    """Return the same as data; times as ISO 8601."""
    return {
        "file": head.file,
        "sha256": head.sha256,
        "id": head.id,
        "creator": head.creator,
        "created": head.created.isoformat(),
        "expires": head.expires.isoformat(),
        "apply": head.apply,
    }
