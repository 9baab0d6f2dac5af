"""Stories: what takes long is done and watched once, and many contracts are held against it.

On the lab the stories of different sites are told side by side, since waiting is most of what
they do, and beside the tests that need none of them.
"""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Protocol, TypeVar

import pytest

from tests.contract.world import QUIET, World

T = TypeVar("T")
Tell = Callable[[World], object]
KNOWN: dict[str, tuple[str, Tell]] = {}
"""Every story by the name of its fixture: at which site it happens, and how it goes."""


class Stories(Protocol):
    """Stories told in one world."""

    def outcome(self, name: str) -> object:
        """Return what a story of that name brought, told now if it was not before."""
        ...


def story(site: str) -> Callable[[Callable[[World], T]], Callable[..., T]]:
    """Make a function on a world, which disturbs nothing but `site`, a fixture of its name."""

    def decorate(tell: Callable[[World], T]) -> Callable[..., T]:
        name = tell.__name__
        KNOWN[name] = (site, tell)

        @pytest.fixture(scope="session", name=name)
        def told(stories: Stories) -> Any:
            return stories.outcome(name)

        told.__doc__ = tell.__doc__
        return told

    return decorate


class OneByOne:
    """Tells a story when it is asked for."""

    def __init__(self, world: World) -> None:
        self._world = world

    def outcome(self, name: str) -> object:
        return KNOWN[name][1](self._world)


class SideBySide:
    """Has been telling since it was made, in lanes, each with a world of its own.

    What disturbs a site is told one after the other; what disturbs nothing has its own lane.
    """

    def __init__(
        self, wanted: Iterable[str], worlds: Callable[[], AbstractContextManager[World]]
    ) -> None:
        self._worlds = worlds
        lanes: dict[str, list[str]] = {}
        for name in wanted:
            site = KNOWN[name][0]
            lanes.setdefault(name if site == QUIET else site, []).append(name)
        self._outcomes = {name: Future[object]() for names in lanes.values() for name in names}
        self._pool = ThreadPoolExecutor(max_workers=max(len(lanes), 1))
        self._lanes = [self._pool.submit(self._tell, names) for names in lanes.values()]

    def outcome(self, name: str) -> object:
        return self._outcomes[name].result()

    def _tell(self, names: list[str]) -> None:
        untold = list(names)
        while untold:
            try:
                self._tell_in_a_world(untold)
            except BaseException as error:  # noqa: BLE001 - raised again where it is asked for
                self._outcomes[untold.pop(0)].set_exception(error)

    def _tell_in_a_world(self, untold: list[str]) -> None:
        """Tell stories as long as they go well; the first of those left over is the culprit."""
        with self._worlds() as world:
            while untold:
                self._outcomes[untold[0]].set_result(KNOWN[untold[0]][1](world))
                untold.pop(0)

    def close(self) -> None:
        self._pool.shutdown()


@contextmanager
def side_by_side(
    wanted: Iterable[str], worlds: Callable[[], AbstractContextManager[World]]
) -> Iterator[SideBySide]:
    telling = SideBySide(wanted, worlds)
    try:
        yield telling
    finally:
        telling.close()
