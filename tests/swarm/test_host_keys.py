from pathlib import Path

import paramiko

from orchestrator.swarm.host_keys import preferred_types
from orchestrator.swarm.known_hosts import known_keys


def test_the_recorded_type_is_asked_for_first(tmp_path: Path) -> None:
    key = paramiko.RSAKey.generate(2048)
    (tmp_path / "known").write_text(f"kko ssh-rsa {key.get_base64()}\n")
    known = known_keys(["kko"], [tmp_path / "known"])
    offered = ("ssh-ed25519", "rsa-sha2-256", "rsa-sha2-512")
    assert preferred_types(known, offered) == ("rsa-sha2-512", "rsa-sha2-256", "ssh-ed25519")
