"""Releases to ship, with names that try a shell's patience."""

import hashlib

from orchestrator.fleet.unit import Revision, Unit
from orchestrator.sources.model import Release, ReleaseFile
from tests.swarm.sshd import SITE

COMPOSE = b'version: "3.8"\nservices: {web: {image: "bb:1"}}\n'


def release(name: str = "datatrail-abc-1", *, stack: str = "datatrail", **files: bytes) -> Release:
    content = {
        "stacks/server compose.yaml": COMPOSE,
        "stacks/conf/$HOME 'é.txt": b"hello",
        **{path.replace("__", "/"): body for path, body in files.items()},
    }
    return Release(
        unit=Unit(stack, SITE),
        revision=Revision("datatrail", "a" * 40),
        name=name,
        digest=hashlib.sha256(repr(content).encode()).hexdigest(),
        compose="stacks/server compose.yaml",
        files=(
            *(ReleaseFile(path=path, content=body) for path, body in content.items()),
            ReleaseFile(path="stacks/run.sh", content=b"#!/bin/sh\n", executable=True),
        ),
    )
