import os
from pathlib import Path

import pytest

from tests.sources.origin import Origin


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Give git nothing of the machine it runs on, and a name to commit with."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_AUTHOR_NAME": "A Person",
        "GIT_AUTHOR_EMAIL": "a@example.org",
        "GIT_COMMITTER_NAME": "A Person",
        "GIT_COMMITTER_EMAIL": "a@example.org",
    }


@pytest.fixture
def origin(tmp_path: Path, environment: dict[str, str]) -> Origin:
    return Origin(tmp_path / "datatrail", environment)


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"
