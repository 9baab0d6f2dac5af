"""A placement constraint, as the Swarm reads it (swarmkit manager/constraint)."""

import re

_KEY = re.compile(r"[a-z_][a-z0-9._-]+", re.IGNORECASE | re.ASCII)
_VALUE = re.compile(r"[a-z0-9:\-_\s.*()?+\[\]\\^$|/]+", re.IGNORECASE | re.ASCII)
_OPERATORS = ("==", "!=")
_KNOWN_KEYS = frozenset(
    {"node.id", "node.hostname", "node.ip", "node.role", "node.platform.os", "node.platform.arch"}
)
_LABELS = ("node.labels.", "engine.labels.")


def check_constraint(text: str) -> None:
    """Check a constraint.

    Raises:
        ValueError: the Swarm refuses it, in its words, or no node could ever meet it.

    """
    operator = next((one for one in _OPERATORS if one in text), None)
    if operator is None:
        raise ValueError(f"constraint expected one operator from {', '.join(_OPERATORS)}: {text!r}")
    key, value = (part.strip() for part in text.split(operator, 1))
    if not _KEY.fullmatch(key):
        raise ValueError(f"key {key!r} is invalid")
    if not _VALUE.fullmatch(value):
        raise ValueError(f"value {value!r} is invalid")
    if key.lower() not in _KNOWN_KEYS and not key.lower().startswith(_LABELS):
        known = ", ".join(sorted(_KNOWN_KEYS))
        raise ValueError(f"no node has {key!r}: there are {known}, node.labels.*, engine.labels.*")
