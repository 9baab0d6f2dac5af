"""Records that older versions wrote are resumed by this one.

`records/` holds what a lock and a journal were, byte for byte, when a restart of the hamlet was
killed while its first service went down, written by the version before records were signed.
"""

import base64
import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from orchestrator.cli.journals import JournalFolder
from orchestrator.cli.meeting import find_run
from orchestrator.engine.alone import carry_alone
from orchestrator.engine.provenance import Origin
from orchestrator.procedures.asking import ask_config
from orchestrator.procedures.effects import CreateConfig
from orchestrator.procedures.hold import LOCK
from orchestrator.procedures.signature import RecordKey, Signature
from tests.cli.desk import Desk
from tests.hamlet import hamlet
from tests.simulated import Simulated, simulated
from tests.states.keyboard import Keyboard
from tests.states.reader import offers

RECORDS = Path(__file__).parent / "records"
KEY = RecordKey(b"k" * 32)


def left(*, required: bool = False) -> Simulated:
    """Return a fleet with the lock that the older version left."""
    inventory = replace(hamlet(), record_key_required=required)
    shared = simulated(inventory=inventory, generation=2)
    kept = json.loads((RECORDS / "run-0001.json").read_text("utf-8"))
    labels, data = tuple(kept["labels"].items()), base64.b64decode(kept["data"])
    create = CreateConfig(site="home", name=LOCK, labels=labels, data=data)
    assert carry_alone(shared.backend, ask_config(create)).config is not None
    shared.fleet.clock.run_until(shared.fleet.clock.now + 60.0)
    return shared


def here(shared: Simulated, folder: Path, key: RecordKey | None = None) -> Desk:
    """Return the machine that began it, with its journal."""
    folder.mkdir(mode=0o700)
    shutil.copy(RECORDS / "run-0001.journal", folder)
    (folder / "run-0001.journal").chmod(0o600)
    return Desk(shared=shared, journals=JournalFolder(folder), key=key)


def dead(desk: Desk) -> Keyboard:
    """Return somebody at that desk, on which no process runs any more."""
    desk.alive.clear()
    return Keyboard(desk=desk)


@pytest.mark.parametrize("key", [None, KEY])
def test_where_it_began_it_is_resumed_as_before(tmp_path: Path, key: RecordKey | None) -> None:
    desk = here(left(), tmp_path / "runs", key)
    found = find_run(desk.world())
    assert found is not None
    assert found.provenance.origin is Origin.OURS
    assert found.provenance.signature in {Signature.UNCHECKED, Signature.MISSING}
    assert "examine home" in found.provenance.vouched
    assert dead(desk).type("dtdeploy resume --yes").code == 0
    assert desk.shared.oracle.violations == []


def test_elsewhere_what_is_offered_resumes_it() -> None:
    shared = left()
    keyboard = Keyboard(desk=Desk(shared=shared, name="ops2"))
    line = offers(keyboard.type("dtdeploy lock").screen)[0]
    assert "--expect" in line
    assert keyboard.type(line).code == 0
    assert shared.oracle.violations == []


def test_it_is_not_resumed_where_signed_records_are_required(tmp_path: Path) -> None:
    desk = here(left(required=True), tmp_path / "runs", KEY)
    refused = Keyboard(desk=desk).type("dtdeploy resume --yes")
    assert (refused.code, refused.touched) == (20, False)
    assert "lock.signature-missing" in refused.screen
