"""A directed graph of names: order, waves, cycles. Knows nothing of stacks or Swarms."""

from collections.abc import Hashable, Mapping
from typing import TypeVar

T = TypeVar("T", bound=Hashable)
Needs = Mapping[T, tuple[T, ...]]


class CycleError(ValueError):
    """The graph has a cycle, which the message shows: `a -> b -> a`."""


def waves(needs: Needs[T]) -> tuple[tuple[T, ...], ...]:
    """Group nodes so that each one's needs stand in earlier groups.

    Args:
        needs: for each node, the nodes that come before it; ones that are no key are ignored.

    Returns:
        The groups, nodes in the mapping's own order within each.

    Raises:
        CycleError: no such order exists.

    """
    left = {node: {need for need in before if need in needs} for node, before in needs.items()}
    result: list[tuple[T, ...]] = []
    while left:
        ready = tuple(node for node, before in left.items() if not before)
        if not ready:
            raise CycleError(" -> ".join(str(node) for node in _cycle(left)))
        result.append(ready)
        for node in ready:
            del left[node]
        done = set(ready)
        for before in left.values():
            before.difference_update(done)
    return tuple(result)


def reachable(needs: Needs[T], start: frozenset[T]) -> frozenset[T]:
    """Return every node that `start` needs, directly or not; `start` itself is left out."""
    seen: set[T] = set()
    todo = [need for node in start for need in needs.get(node, ())]
    while todo:
        node = todo.pop()
        if node not in seen:
            seen.add(node)
            todo.extend(needs.get(node, ()))
    return frozenset(seen - start)


def path(needs: Needs[T], start: T, goal: T) -> tuple[T, ...]:
    """Return the shortest way from `start` to `goal` by what each needs; () if there is none."""
    ways: list[tuple[T, ...]] = [(start,)]
    seen = {start}
    while ways:
        way = ways.pop(0)
        if way[-1] == goal:
            return way
        following = [need for need in needs.get(way[-1], ()) if need not in seen]
        seen.update(following)
        ways += [(*way, need) for need in following]
    return ()


def _cycle(left: Mapping[T, set[T]]) -> list[T]:
    node = next(iter(left))
    path: list[T] = []
    while node not in path:
        path.append(node)
        node = next(iter(left[node]))
    return [*path[path.index(node) :], node]
