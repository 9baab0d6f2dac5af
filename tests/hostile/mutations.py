"""What others wrote, damaged: by bytes for any text, by values for what is JSON within."""

import json
import random
from collections.abc import Sequence
from typing import Any

PIECES = (
    b"\0", b"\xff\xfe", b"\xef\xbb\xbf", b"\r", b"\t", b"\n", b"\x1b[2J", "\u202e".encode(),
    b"&a", b"*a", b"<<: *a", b"!!python/object:os.system x", b"!x ", b"- ", b"? ", b": ", b"#",
    b"{", b"}", b"[", b"]", b"|", b">", b"'", b'"', b"\\", b"%YAML 9.9", b"---\n", b"...\n",
    b"${", b"${A:-", b"${A?}", b"$$", b"@revoked ", b"|1|", b"*,!", b"=", b",", b"/", b"..",
    b"0x", b"1e999", b"-1", b"nan", b".inf", b"~", b"null", b"yes", b"9" * 400, b"1_000:30",
    b"2026-02-30", b"[" * 80, b"{a: " * 80, b"- " * 80, b"a" * 5000, b"\xed\xa0\x80",
)  # fmt: skip
DEEP: object = 1
for _ in range(70):
    DEEP = [DEEP]
VALUES: tuple[object, ...] = (
    None, True, False, 0, -1, 2**63, 10**400, 1e308, 0.1, "", "x", "x" * 5000, "\x00", "\u202e",
    "\ud800", "9" * 400, "1e999", "NaN", "-1", "1.39.abc", "2026-02-30T00:00:00Z",
    "9999-12-31T23:59:59.999999999Z", [], {}, [None], [[]], {"": ""}, DEEP,
)  # fmt: skip


def text(draw: random.Random, seeds: Sequence[bytes]) -> bytes:
    """Return one of `seeds` with one to five damages."""
    made = bytearray(draw.choice(seeds))
    for _ in range(draw.choice((1, 1, 1, 2, 3, 5))):
        at = draw.randint(0, len(made))
        upto = min(len(made), at + draw.choice((1, 1, 2, 5, 20, 100)))
        match draw.randrange(6):
            case 0:
                del made[at:upto]
            case 1:
                made[at:at] = draw.choice(PIECES)
            case 2:
                made[at:upto] = draw.choice(PIECES)
            case 3:
                made[at:at] = made[at:upto] * draw.choice((1, 2, 50))
            case 4:
                other = draw.choice(seeds)
                first = draw.randint(0, len(other))
                made[at:at] = other[first : first + draw.choice((5, 50, 200))]
            case _ if made:
                made[at % len(made)] ^= 1 << draw.randrange(8)
            case _:
                made += b"\n"
    return bytes(made)


def value(draw: random.Random, seed: object) -> object:
    """Return a copy of a JSON value in which one to three places hold something else."""
    made = json.loads(json.dumps(seed))
    for _ in range(draw.choice((1, 1, 2, 3))):
        made = _changed(draw, made)
    return made


def _changed(draw: random.Random, whole: Any) -> object:
    """Change one place, found by going down at random."""
    keys: list[Any]
    if isinstance(whole, dict):
        keys = list(whole)
    elif isinstance(whole, list):
        keys = list(range(len(whole)))
    else:
        return draw.choice(VALUES)
    if not keys or draw.random() < 0.1:
        return draw.choice(VALUES)
    key = draw.choice(keys)
    if draw.random() < 0.1:
        del whole[key]
        return whole
    whole[key] = _changed(draw, whole[key])
    return whole
