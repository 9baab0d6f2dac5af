"""Where dtdeploy keeps what it remembers."""

from collections.abc import Mapping
from pathlib import Path


def state_folder(environment: Mapping[str, str]) -> Path:
    """Return the folder of journals and reports: XDG_STATE_HOME moves it."""
    base = environment.get("XDG_STATE_HOME")
    return (Path(base) if base else Path.home() / ".local" / "state") / "dtdeploy"
