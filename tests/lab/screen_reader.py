"""Somebody who knows nothing but what the screen says, and types that."""

import re
import shlex
from dataclasses import dataclass, field

from tests.lab.conftest import Done, Operator

MOST = 3
_NEXT = re.compile(r"^NEXT  (.+?)(?:   #.*)?$", re.MULTILINE)
_FIX = re.compile(r"^ +next: +(dtdeploy .+?)(?:   #.*)?$", re.MULTILINE)
_ASKS = ("restart", "up", "down", "deploy", "resume", "rollback")
_LOOK = "dtdeploy status"


def offers(text: str, *words: str) -> bool:
    """Tell whether a command of dtdeploy is on the screen, whichever fleet it names."""
    command = r"\s+".join(re.escape(word) for word in words)
    return re.search(rf"dtdeploy (?:-i \S+ )?{command}", text) is not None


@dataclass
class Reader:
    """Types what stands behind NEXT. `mended` tells whether the cause is out of the world.

    Where it is not, somebody would not try the same again, but take the other way that is offered.
    """

    who: Operator
    mended: bool = True
    typed: list[str] = field(default_factory=list)

    def leads_back_to_health(self, screen: str) -> bool:
        """Type at most three commands, the first from `screen`; tell whether all is well then."""
        while not self._well():
            if len(self.typed) == MOST:
                return False
            command = self.chosen(screen)
            self.typed.append(command)
            done = self._type(command)
            screen = done.out + done.err
        return True

    def chosen(self, screen: str) -> str:
        """Choose from the screen; where it says nothing, look."""
        ways = _NEXT.findall(screen) or _FIX.findall(screen)
        if not ways:
            return _LOOK
        offered = [str(way).strip() for way in ways[-1].split("   |   ")]
        offered = [way for way in offered if way.startswith("dtdeploy ")] or [_LOOK]
        return offered[0] if self.mended else offered[-1]

    def _type(self, command: str) -> Done:
        words = shlex.split(command)[1:]
        answers = ["--yes"] if words[0] in _ASKS else []
        return self.who.types(*words, *answers)

    def _well(self) -> bool:
        return self.who.types("status").code == 0
