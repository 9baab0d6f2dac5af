import pytest

from lab.errors import LabError
from lab.topology import Role, Shape


def test_five_sites_are_the_handbooks_managers() -> None:
    managers = [host.name for host in Shape().managers()]
    assert managers == ["frb-vsop.chime", "outrigger_buffer.chime", "aux.kko", "aux.gbo", "ha1.hco"]


def test_more_sites_are_numbered() -> None:
    assert list(Shape(sites=7).site_managers().items())[5:] == [
        ("s06", "aux.s06"),
        ("s07", "aux.s07"),
    ]


def test_only_kko_has_workers() -> None:
    workers = [host for host in Shape(workers=2).swarm_hosts() if host.role is Role.WORKER]
    assert [(host.name, host.site) for host in workers] == [("kko-w1", "kko"), ("kko-w2", "kko")]


def test_every_host_has_its_own_address_and_port_at_the_switch() -> None:
    hosts = Shape(sites=30, workers=5).hosts()
    assert len({host.address for host in hosts}) == len(hosts)
    assert len({host.port for host in hosts}) == len(hosts)
    assert max(len(host.port) for host in hosts) <= 15


def test_a_site_is_found_by_alias_and_a_host_by_name() -> None:
    shape = Shape()
    assert shape.find("kko") == shape.find("aux.kko")
    assert [host.name for host in shape.hosts_of("kko")] == ["aux.kko", "kko-w1"]
    assert [host.name for host in shape.hosts_of("aux.kko")] == ["aux.kko"]


def test_an_unknown_host_is_refused_with_those_that_exist() -> None:
    with pytest.raises(LabError, match=r"'aux.xyz'.*aux.kko"):
        Shape().find("aux.xyz")


@pytest.mark.parametrize("sites", [0, 201])
def test_a_lab_has_between_one_and_two_hundred_sites(sites: int) -> None:
    with pytest.raises(LabError):
        Shape(sites=sites)
