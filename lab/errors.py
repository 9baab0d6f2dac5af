"""The one error of the lab: shown to the user as a line, never as a traceback."""


class LabError(Exception):
    """Something that the person at the keyboard can understand and act upon."""
