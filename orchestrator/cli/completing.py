"""The names that shell completion offers, read in the little time that a shell has."""

from collections.abc import Iterator
from pathlib import Path

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError


def complete(path: Path, what: str) -> list[str]:
    """Return all sites, stacks or units that the inventory at `path` names; none if it is broken.

    Nothing of it is checked: that takes longer than anybody waits for a shell.
    """
    units = list(_units(path))
    names = {
        "site": dict.fromkeys(site for _, site in units),
        "stack": dict.fromkeys(sorted(stack for stack, _ in units if stack)),
        "unit": dict.fromkeys(f"{stack}@{site}" for stack, site in units if stack),
    }
    return list(names[what])


def _units(path: Path) -> Iterator[tuple[str, str]]:
    """Yield the stack and the site of each unit; a site without any has "" for a stack."""
    try:
        text = path.read_text("utf-8")
        root = YAML(typ="safe", pure=True).load(text)
    except (OSError, ValueError, YAMLError):
        return
    sites = root.get("sites") if isinstance(root, dict) else None
    for name, site in sites.items() if isinstance(sites, dict) else ():
        stacks = site.get("stacks") if isinstance(site, dict) else None
        listed = stacks if isinstance(stacks, dict | list) else ()
        yield from ((str(stack), str(name)) for stack in listed or ("",))


def complete_runs(state: Path) -> list[str]:
    """Return `last` and the runs that have a journal below the folder `state`, newest first."""
    names = (path.stem for path in (state / "runs").glob("[!.]*.journal"))
    return ["last", *sorted({name.removesuffix("-broken") for name in names}, reverse=True)]
