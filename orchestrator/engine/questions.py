"""Effects performed side by side, each answer handed on as it comes, with one limit for all."""

from collections.abc import Callable, Iterator, Sequence

from orchestrator.engine.ports import Backend, new_token
from orchestrator.procedures.effects import Effect


def _never(_index: int) -> bool:
    return False


class Questions:
    """Effects that are asked again and again; one still under way is not asked a second time."""

    def __init__(self, backend: Backend, effects: Sequence[Effect]) -> None:
        self._backend = backend
        self._effects = tuple(effects)
        self._under_way: dict[int, int] = {}

    def ask(self) -> float:
        """Send out all that is not under way, and return when that was on the backend's clock.

        Answers that came too late for the last time are let go: they are of then.
        """
        while self._under_way and (late := self._backend.wait(self._backend.now())):
            self._under_way.pop(late[0], None)
        busy = set(self._under_way.values())
        for index, effect in enumerate(self._effects):
            if index not in busy:
                token = new_token()
                self._under_way[token] = index
                self._backend.submit(token, effect)
        return self._backend.now()

    def answers(
        self,
        until: float,
        *,
        patience: float = 0.0,
        speaks: Callable[[int], bool] = _never,
    ) -> Iterator[tuple[int, object]]:
        """Yield (index, answer) as they come, until all are there or the time is over.

        Args:
            until: when the time is over, on the backend's clock.
            patience: seconds that are waited longer for those of which `speaks` is true then.
            speaks: whether there are signs of life of the one with this index.

        """
        while self._under_way:
            now = self._backend.now()
            late = now >= until
            if late and not (now < until + patience and any(map(speaks, self._under_way.values()))):
                return
            happened = self._backend.wait(until + patience if late else until)
            if happened is not None and happened[0] in self._under_way:
                yield self._under_way.pop(happened[0]), happened[1]
