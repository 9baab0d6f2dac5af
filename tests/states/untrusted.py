"""Locks of which nothing here knows whose they are, and what somebody wrote to them by hand."""

from dataclasses import replace

from orchestrator.procedures.signature import RecordKey
from tests.planting import plant, record_of, relabel
from tests.states.half_finished import CLIENTS_GO, SERVER_GOES
from tests.states.keyboard import Keyboard
from tests.states.reader import Act
from tests.states.state import HAMLET, State, Thing, killed, passes, typed

REQUIRED = replace(HAMLET, record_key_required=True)


def keyed(keyboard: Keyboard) -> None:
    """Give this machine the fleet's key."""
    keyboard.desk.key = RecordKey(b"k" * 32)


def keyless(keyboard: Keyboard) -> None:
    """Take it away again: another shell, say."""
    keyboard.desk.key = None


def belittled(keyboard: Keyboard) -> None:
    """Plant a record that takes all down, under labels that speak of one unit."""
    shared = keyboard.desk.shared
    plant(shared, record_of(shared), words="restart app-edge@far")


def written(**labels: str) -> Thing:
    def thing(keyboard: Keyboard) -> None:
        relabel(keyboard.desk.shared, **labels)

    return thing


UNTRUSTED = (
    State(
        name="a record under labels that belittle it",
        before=(belittled,),
        typed=typed("dtdeploy resume"),
        code="lock.labels-differ",
    ),
    State(
        name="the laptop died, resumed elsewhere by heart",
        typed=killed(SERVER_GOES),
        after=(passes(60.0),),
        anew=True,
        elsewhere=True,
        later=("dtdeploy resume --take-over",),
        code="lock.record-unread",
    ),
    State(
        name="another record than the one that was approved",
        typed=killed(SERVER_GOES),
        later=(f"dtdeploy resume --expect {'0' * 64}",),
        code="lock.record-unexpected",
    ),
    State(
        name="no key where one is required",
        inventory=REQUIRED,
        code="lock.key-missing",
        act=Act(named="DTDEPLOY_RECORD_KEY_FILE", do=keyed),
    ),
    State(
        name="no key for what was begun with one",
        inventory=REQUIRED,
        before=(keyed,),
        typed=killed(SERVER_GOES, then=keyless),
        later=("dtdeploy resume",),
        code="lock.key-missing",
        act=Act(named="DTDEPLOY_RECORD_KEY_FILE", do=keyed),
    ),
    State(
        name="a signature that was taken away",
        inventory=REQUIRED,
        before=(keyed,),
        typed=killed(CLIENTS_GO, then=written(signature="")),
        later=("dtdeploy resume",),
        code="lock.signature-missing",
    ),
    State(
        name="a label that was changed",
        before=(keyed,),
        typed=killed(SERVER_GOES, then=written(touched="no")),
        later=("dtdeploy resume",),
        code="lock.signature-wrong",
    ),
)
