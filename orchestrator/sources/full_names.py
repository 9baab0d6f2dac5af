"""What a stack's networks, volumes, configs and secrets are called in the Swarm."""

from collections.abc import Iterable

from orchestrator.sources.document import Scalar, Table, Tree, table
from orchestrator.sources.reading import Reader


def is_external(body: Table, reader: Reader) -> bool:
    """Whether it exists already, and no deploy creates it."""
    tree = body.get("external")
    return isinstance(tree, Table) or reader.flag(tree)


def full_name(key: str, body: Table, stack: str, reader: Reader) -> str:
    """Return the name in the Swarm: its own, or that of the file with the stack before it."""
    trees = (table(body.get("external")).get("name"), body.get("name"))
    own = next((name for name in (_public(tree, reader) for tree in trees) if name), "")
    return own or (key if is_external(body, reader) else f"{stack}_{key}")


def _public(tree: Tree | None, reader: Reader) -> str:
    """Return a name, "" if a secret was put into it: that one is refused where it is checked."""
    return "" if isinstance(tree, Scalar) and tree.secret else reader.text(tree)


def created(root: Table, kind: str, stack: str, only: Iterable[str] | None = None) -> list[str]:
    """Name what a deploy creates of a kind; of networks `only` those that services use."""
    reader, bodies = Reader(), table(root.get(kind))
    keys = only if only is not None else [pair.key for pair in bodies]
    own = ((key, table(bodies.get(key))) for key in keys)
    return sorted(
        full_name(key, body, stack, reader) for key, body in own if not is_external(body, reader)
    )
