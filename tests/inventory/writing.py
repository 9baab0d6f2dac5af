"""Small inventories on disk."""

from pathlib import Path

SITES = """\
version: 1
managed_prefix: app
coordinator: hub
repos:
  code: {url: ssh://git@git.example/team/code}
sites:
  hub:
    manager: hub.example
    stacks: [app]
"""
APP = "repo: code\ncompose: stacks/app.yaml\n"


def write(folder: Path, sites: str | bytes = SITES, **stacks: str | bytes) -> Path:
    """Write sites.yaml and stack files (`app` unless named); underscores in names become -."""
    (folder / "stacks").mkdir(parents=True)
    for name, content in (stacks or {"app": APP}).items():
        _put(folder / "stacks" / f"{name.replace('_', '-')}.yaml", content)
    _put(folder / "sites.yaml", sites)
    return folder / "sites.yaml"


def _put(path: Path, content: str | bytes) -> None:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
