import pytest

from orchestrator.swarm.listening import ports
from orchestrator.swarm.parse import container_ports

# From a Linux 5.15 host, shortened.
TCP = b"""  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid
   0: 00000000:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0
   1: 0100007F:8AE2 0100007F:1F41 01 00000000:00000000 00:00000000 00000000     0
  sl  local_address                         remote_address                        st
   0: 00000000000000000000000000000000:1F41 00000000000000000000000000000000:0000 0A 0:0
   1: 00000000000000000000000001000000:0050 00000000000000000000000000000000:0000 06 0:0
"""
UDP = b"""   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid
  100: 3500007F:0035 00000000:0000 07 00000000:00000000 00:00000000 00000000   101
  211: 0100007F:8AE2 0100007F:0035 01 00000000:00000000 00:00000000 00000000     0
"""
CONTAINERS = b"""[
  {"Id": "1", "Labels": {"com.docker.swarm.service.id": "x"},
   "Ports": [{"PublicPort": 80, "PrivatePort": 8080, "Type": "tcp"}, {"PrivatePort": 9}]},
  {"Id": "2", "Ports": [{"PublicPort": 53, "PrivatePort": 53, "Type": "udp"}]}
]"""


def test_only_listening_sockets_of_both_families_count() -> None:
    assert ports(TCP, "tcp") == {(22, "tcp"), (8001, "tcp")}


def test_a_connected_udp_socket_listens_to_nobody() -> None:
    assert ports(UDP, "udp") == {(53, "udp")}


def test_nothing_to_read() -> None:
    assert ports(b"", "tcp") == frozenset()


def test_ports_of_services_are_told_from_those_of_other_containers() -> None:
    services, others = container_ports(CONTAINERS)
    assert (set(services), set(others)) == ({(80, "tcp")}, {(53, "udp")})


@pytest.mark.parametrize("address", ["0100007F{1F90", "0100007F:1F9x", "0100007F:", ":", "1F90"])
def test_a_port_that_nobody_can_read_may_be_the_one_that_is_asked_for(address: str) -> None:
    with pytest.raises(ValueError, match="is no address and port"):
        ports(TCP.replace(b"00000000:0016", address.encode()), "tcp")
    assert ports(TCP.replace(b"0100007F:8AE2", address.encode()), "tcp")
