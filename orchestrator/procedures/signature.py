"""The signature on a lock: who can write configs on a Swarm cannot forge what a run is.

An HMAC-SHA256 with a key of the fleet, over the record's digest, all labels, and the id that
Docker gave the config. So neither a label can be changed nor an old record put up again: it would
be a config of another id. When a lock is created nobody knows its id yet; such a signature says
that the key was there, and no more. See docs/decisions/0030-signed-records.md.
"""

import hashlib
import hmac
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum

from orchestrator.procedures.effects import StoredConfig

Labels = tuple[tuple[str, str], ...]
LABEL = "dtdeploy.signature"
SHORTEST = 32
"""Characters of a key."""
_PURPOSE = "dtdeploy.run 1"
"""What is signed for any other purpose, or in another way, is no signature of a lock."""


class Signature(Enum):
    """What a lock's signature is worth, by the key at hand."""

    HOLDS = "holds"
    CREATED = "of its creation"
    """Right, and without the config's id: it may have been put up again by anybody."""
    MISSING = "missing"
    WRONG = "wrong"
    UNCHECKED = "no key here"


@dataclass(frozen=True, slots=True)
class RecordKey:
    """The key of a fleet, which signs its locks; never printed."""

    secret: bytes = field(repr=False)


def digest_of(data: bytes) -> str:
    """Return the digest of a record as its lock keeps it, 64 hex digits."""
    return hashlib.sha256(data).hexdigest()


@dataclass(frozen=True, slots=True)
class Signer:
    """Signs the labels of one run's lock, whose record has this `digest`; without a key nothing."""

    key: RecordKey | None = None
    digest: str = ""

    def signed(self, labels: Labels, config: str) -> Labels:
        """Return the labels with their signature; `config` is the lock's id, "" before it has one.

        Labels that stood beside an older signature lose it.
        """
        bare = tuple(item for item in labels if item[0] != LABEL)
        if self.key is None:
            return bare
        return (*bare, (LABEL, _signature(self.key, self.digest, bare, config)))


UNSIGNED = Signer()
"""Of who has no key."""


def check(lock: StoredConfig, key: RecordKey | None) -> Signature:
    """Tell what the signature on a lock is worth."""
    if key is None:
        return Signature.UNCHECKED
    said = lock.label(LABEL)
    if not said:
        return Signature.MISSING
    bare = tuple(item for item in lock.labels if item[0] != LABEL)
    for config, worth in ((lock.id, Signature.HOLDS), ("", Signature.CREATED)):
        right = _signature(key, digest_of(lock.data), bare, config)
        if hmac.compare_digest(right.encode(), said.encode()):
            return worth
    return Signature.WRONG


def _signature(key: RecordKey, digest: str, labels: Iterable[tuple[str, str]], config: str) -> str:
    signed = json.dumps([_PURPOSE, config, digest, sorted(labels)], separators=(",", ":"))
    return hmac.new(key.secret, signed.encode(), hashlib.sha256).hexdigest()
