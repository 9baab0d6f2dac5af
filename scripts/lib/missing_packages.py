"""Print the Debian packages of the lab that this machine lacks, one a line."""

from lab import packages
from lab.errors import LabError


def is_missing(program: str) -> bool:
    """Whether nothing on this machine provides a program."""
    try:
        packages.program(program)
    except LabError:
        return True
    return False


for package, program in packages.PROGRAMS.items():
    if is_missing(program):
        print(package)
