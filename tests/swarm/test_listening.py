from orchestrator.swarm.listening import ports

# From a Linux 5.15 host, shortened.
TCP = b"""  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid
   0: 00000000:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0
   1: 0100007F:8AE2 0100007F:1F41 01 00000000:00000000 00:00000000 00000000     0
  sl  local_address                         remote_address                        st
   0: 00000000000000000000000000000000:1F41 00000000000000000000000000000000:0000 0A 0:0
   1: 00000000000000000000000001000000:0050 00000000000000000000000000000000:0000 06 0:0
"""


def test_only_listening_sockets_of_both_families_count() -> None:
    assert ports(TCP) == {22, 8001}


def test_nothing_to_read() -> None:
    assert ports(b"") == frozenset()
