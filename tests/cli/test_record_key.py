import os
from pathlib import Path

import pytest

from orchestrator.cli.record_key import key_of
from orchestrator.errors import UsageError
from orchestrator.procedures.signature import RecordKey

TEXT = "0123456789abcdef0123456789abcdef"


def written(folder: Path, text: bytes = TEXT.encode(), mode: int = 0o600) -> dict[str, str]:
    path = folder / "a key"
    path.write_bytes(text)
    path.chmod(mode)
    return {"DTDEPLOY_RECORD_KEY_FILE": str(path)}


def refused(environment: dict[str, str]) -> str:
    with pytest.raises(UsageError) as error:
        key_of(environment)
    (problem,) = error.value.problems
    assert (problem.code, int(problem.exit_code)) == ("usage.record-key-unusable", 64)
    assert TEXT[:31] not in f"{problem}"
    return f"{problem.what} {problem.fix}"


def test_without_either_variable_there_is_no_key() -> None:
    assert key_of({}) is None
    assert key_of({"DTDEPLOY_RECORD_KEY": "", "DTDEPLOY_RECORD_KEY_FILE": ""}) is None


def test_a_key_is_read_from_the_environment_or_from_a_file(tmp_path: Path) -> None:
    assert key_of({"DTDEPLOY_RECORD_KEY": TEXT}) == RecordKey(TEXT.encode())
    assert key_of(written(tmp_path, f"{TEXT}\n".encode())) == RecordKey(TEXT.encode())


def test_a_short_key_is_refused_and_not_shown(tmp_path: Path) -> None:
    assert "shorter than 32" in refused({"DTDEPLOY_RECORD_KEY": TEXT[:31]})
    assert "shorter than 32" in refused(written(tmp_path, TEXT[:31].encode()))


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602])
def test_a_file_that_others_may_read_or_write_is_refused(tmp_path: Path, mode: int) -> None:
    assert f"chmod 600 '{tmp_path}/a key'" in refused(written(tmp_path, mode=mode))


def test_what_is_no_file_or_no_text_or_not_there_is_refused(tmp_path: Path) -> None:
    assert "is no file" in refused({"DTDEPLOY_RECORD_KEY_FILE": str(tmp_path)})
    os.mkfifo(tmp_path / "pipe")
    assert "is no file" in refused({"DTDEPLOY_RECORD_KEY_FILE": str(tmp_path / "pipe")})
    assert "No such file" in refused({"DTDEPLOY_RECORD_KEY_FILE": str(tmp_path / "none")})
    assert "no text" in refused(written(tmp_path, b"\xff" * 40))


def test_both_at_once_are_refused() -> None:
    both = {"DTDEPLOY_RECORD_KEY": TEXT, "DTDEPLOY_RECORD_KEY_FILE": "key"}
    assert "unset DTDEPLOY_RECORD_KEY" in refused(both)
