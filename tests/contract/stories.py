"""Stories: what takes long is done and watched once, and many contracts are held against it.

On the lab the stories of different sites are told side by side, since waiting is most of what
they do, and beside the tests that need none of them.
"""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Protocol, TypeVar

import pytest

from tests.contract.world import World

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
    """Has been telling since it was made, a lane a site, each lane in a world of its own."""

    def __init__(
        self, wanted: Iterable[str], worlds: Callable[[], AbstractContextManager[World]]
    ) -> None:
        self._worlds = worlds
        lanes: dict[str, list[str]] = {}
        for name in wanted:
            lanes.setdefault(KNOWN[name][0], []).append(name)
        self._outcomes = {name: Future[object]() for names in lanes.values() for name in names}
        self._pool = ThreadPoolExecutor(max_workers=max(len(lanes), 1))
        self._lanes = [self._pool.submit(self._tell, names) for names in lanes.values()]

    def outcome(self, name: str) -> object:
        return self._outcomes[name].result()

    def _tell(self, names: list[str]) -> None:
        with self._worlds() as world:
            for name in names:
                outcome = self._outcomes[name]
                try:
                    outcome.set_result(KNOWN[name][1](world))
                except BaseException as error:  # noqa: BLE001 - raised again where it is asked for
                    outcome.set_exception(error)

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
