from orchestrator.fleet.observed import Volume
from orchestrator.sources.compose import compose
from orchestrator.sources.declared_facts import with_facts
from orchestrator.sources.interpolate import Variables
from tests.build import CLIENT

TEXT = """
version: "3.8"
services:
  web:
    image: app:1
    volumes: [data:/data, plain:/plain, there:/there, "named:/named:ro", "./x:/x"]
  other: {image: app:1, volumes: [data:/data]}
volumes:
  data: {driver_opts: {type: nfs, o: "addr=nas,password=$PASSWORD", device: ":/export"}}
  plain: {labels: {a: b}}
  there: {external: true}
  named: {driver: rexray, name: by-hand}
  unused: {driver_opts: {type: tmpfs}}
"""


def test_volumes_that_have_a_driver_or_options_are_known_by_their_full_names() -> None:
    given = Variables(secret=frozenset({"PASSWORD"}), present=frozenset({"PASSWORD"}))
    read = compose(TEXT.encode(), file="x", unit=CLIENT, variables=given)
    secrets = {"PASSWORD": "planted"}
    found = with_facts(read.desired, read.root, env_files={}, plain={}, secrets=secrets)
    options = (("device", ":/export"), ("o", "addr=nas,password=planted"), ("type", "nfs"))
    assert found.volume_options == (
        Volume(name="app-client_data", options=options),
        Volume(name="by-hand", driver="rexray"),
    )
    assert "planted" not in repr(found)
