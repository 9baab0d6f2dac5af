"""Values that a login which may only look is shown as digests: equal ones can be told.

The digest is the one of `Mask` in swarm/dtdeploy_look.py; a test holds the two together.
"""

import hashlib
import json
import re
from functools import lru_cache

_DIGEST = re.compile(r"dtdeploy-look:([0-9a-f]{32}):[0-9a-f]{32}")
_ROUNDS = 2000


def is_masked(value: str) -> bool:
    """Tell whether a value, or a word of it, is shown as a digest."""
    return _DIGEST.search(value) is not None


def same(shown: str, value: str) -> bool:
    """Tell whether what is shown, as it is or as a digest, is `value`."""
    found = _DIGEST.fullmatch(shown)
    return shown == value or (found is not None and shown == _masked(value, found[1]))


def same_words(shown: str, words: str) -> bool:
    """Tell likewise of lists of words in JSON, each of which is shown as it is or as a digest."""
    ones, others = json.loads(shown), json.loads(words)
    return len(ones) == len(others) and all(map(same, ones, others))


@lru_cache(10_000)
def _masked(value: str, salt: str) -> str:
    digest = hashlib.pbkdf2_hmac("sha256", value.encode(), bytes.fromhex(salt), _ROUNDS, 16)
    return f"dtdeploy-look:{salt}:{digest.hex()}"
