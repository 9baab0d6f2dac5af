"""What a plan does about announcing that a stack goes down. Values."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """How a downtime is announced.

    `announced` says where and by whom it was announced by hand, "" if dtdeploy announces it.
    `minutes` is how long the run waits between the announcement and the first removal.
    """

    announced: str = ""
    minutes: float = 0.0


NO_NOTICE = Notice()
