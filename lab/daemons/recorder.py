"""Starting a witness beside each docker daemon."""

import sys

from lab import hosts, namespaces, paths, processes, state
from lab.topology import Host


def start(host: Host) -> None:
    """Start recording; it goes on until the host ends."""
    paths.witness_folder().mkdir(parents=True, exist_ok=True)
    record = [sys.executable, "-m", "lab.witness.recorder", host.name, str(state.init_pid(host))]
    namespaces.set_loose(
        namespaces.words_to_join(host.name, *record),
        hosts.log_file(host, "recorder"),
        cwd=paths.checkout(),
    )
    target = paths.witness_folder() / f"{host.name}.log"
    processes.wait_until(target.exists, seconds=20, what=f"the witness of {host.name}")
