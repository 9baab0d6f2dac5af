"""Shows a run on a live board, an event for each line of stdin: `python -m tests.ui.stepping`."""

import os
import sys

from orchestrator.ui.board import board_of
from orchestrator.ui.consoles import open_console
from orchestrator.ui.live import LiveBoard
from tests.ui.values import Clock, failing_run, restart_all


def main() -> None:
    """Show the run that goes wrong, and say at the end that it is over."""
    plan = restart_all()
    board = LiveBoard(open_console(sys.stderr, os.environ), board_of(plan), Clock())
    for event in failing_run(plan):
        sys.stdin.readline()
        board(event)
    board.close()
    sys.stderr.write("over\n")


if __name__ == "__main__":
    main()
