"""The command line: python -m lab."""

from lab.cli.main import main

__all__ = ["main"]
