from orchestrator.fleet.desired import DesiredService, DesiredStack
from orchestrator.fleet.unit import Unit
from orchestrator.inventory.model import UnitSpec
from orchestrator.sources.must_have import missing_must_have

UNIT = Unit("datatrail", "chime")


def test_names_what_operators_rely_on_and_the_file_lacks() -> None:
    spec = UnitSpec(
        unit=UNIT, repo="r", compose="c", must_have=("server", "exporter", "autossh_kko")
    )
    desired = DesiredStack(
        unit=UNIT,
        services=tuple(DesiredService(name=name, image="i") for name in ("more", "server")),
    )

    assert missing_must_have(spec, desired) == ("exporter", "autossh_kko")
