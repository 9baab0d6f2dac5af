"""Shows a run on a live board, an event for each line of stdin: `python -m tests.ui.stepping`."""

import os
import sys

from orchestrator.planning.history import Expected
from orchestrator.ui.board import board_of
from orchestrator.ui.consoles import open_console
from orchestrator.ui.live import LiveBoard
from tests.ui.values import SERVER, UNITS, Clock, failing_run, restart_all

TOOK = {"remove": 6.0, "deploy": 9.0, "settle": 12.0}
EXPECTED = Expected(
    steps={f"{kind} {unit}": seconds for kind, seconds in TOOK.items() for unit in UNITS},
    outages={SERVER: 12.4},
    whole=41.0,
)


def main() -> None:
    """Show the run that goes wrong, and say at the end that it is over."""
    plan = restart_all()
    board = LiveBoard(open_console(sys.stderr, os.environ), board_of(plan, EXPECTED), Clock())
    for event in failing_run(plan):
        sys.stdin.readline()
        board(event)
    board.close()
    sys.stderr.write("over\n")


if __name__ == "__main__":
    main()
