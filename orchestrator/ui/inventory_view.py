"""The inventory as a person reads it: sites, what runs there, and what depends on what."""

from collections.abc import Iterator

from rich.console import Console, RenderableType
from rich.text import Text

from orchestrator.fleet.ownership import Ownership
from orchestrator.inventory.describe import SiteRow, UnitRow, describe
from orchestrator.inventory.model import Inventory, SiteState
from orchestrator.ui.consoles import labelled, plain, show, stack_up
from orchestrator.words.foreign import clean
from orchestrator.words.phrases import count

_STYLES = {SiteState.ACTIVE: "green", SiteState.WATCHED: "yellow", SiteState.PLANNED: "dim"}


def render_inventory(inventory: Inventory, width: int = 80) -> list[str]:
    """Return the inventory as plain lines."""
    return plain(inventory_view(inventory), width)


def print_inventory(inventory: Inventory, console: Console) -> None:
    """Print the inventory."""
    show(console, inventory_view(inventory))


def inventory_view(inventory: Inventory) -> RenderableType:
    """Return the inventory to show; values of variables and announcement URLs stay hidden."""
    sites = describe(inventory)
    size = f"{count(len(sites), 'site')}, {count(len(inventory.units), 'unit')}"
    title = Text.assemble((clean(inventory.path), "bold"), f": {size}")
    head: list[tuple[Text | str, Text | str]] = [
        ("repo", clean(f"{repo.name}: {repo.url} at {repo.ref}")) for repo in inventory.repos
    ]
    head += _owned(inventory.ownership)
    if inventory.announce:
        head += [("announce", f"to the URLs in {', '.join(inventory.announce)}")]
    parts: list[RenderableType] = [title, labelled(head)]
    return stack_up([*parts, *(part for site in sites for part in _site(site))])


def _owned(ownership: Ownership) -> Iterator[tuple[str, str]]:
    if ownership.managed:
        ours = ", ".join(ownership.managed)
        yield "managed", f"{ours}: stacks named so belong to the system, declared or not"
    else:
        yield "managed", "stacks that are declared here, and no others"
    if ownership.ignored:
        yield "ignored", f"{', '.join(ownership.ignored)}: may run beside"


def _site(site: SiteRow) -> Iterator[RenderableType]:
    lock = ", holds the lock" if site.coordinator else ""
    note = f" ({clean(site.note)})" if site.note else ""
    yield Text()
    yield Text.assemble(
        (site.site, "bold"),
        "  ",
        (site.state.value, _STYLES[site.state]),
        f"{note}  {clean(site.manager)}{lock}",
        (f"  {clean(site.position)}", "dim"),
    )
    for unit in site.units:
        announced = ", announced when it goes down" if unit.announce else ""
        compose = f"  {clean(unit.compose)} in {unit.repo}{announced}"
        yield Text.assemble("  ", (unit.unit, "bold"), compose)
        yield labelled(_details(unit), indent=4)


def _details(unit: UnitRow) -> Iterator[tuple[str, str]]:
    for label, words in (
        ("needs", unit.depends_on),
        ("must have", unit.must_have),
        ("healthy if", unit.probes),
        ("requires", unit.requires),
        ("variables", unit.variables),
    ):
        if words:
            yield label, clean(", ".join(words))
