"""Starting a witness beside each docker daemon."""

import subprocess
import sys

from lab import hosts, paths, processes, state
from lab.packages import program
from lab.topology import Host


def start(host: Host) -> None:
    """Start recording; it goes on until the host ends."""
    paths.witness_folder().mkdir(parents=True, exist_ok=True)
    init = str(state.init_pid(host))
    command = [program("nsenter"), "-t", init, "-n", sys.executable, "-m", "lab.witness.recorder"]
    with hosts.log_file(host, "recorder").open("a") as log:
        subprocess.Popen(
            [*command, host.name, init],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=paths.checkout(),
            start_new_session=True,
        )
    target = paths.witness_folder() / f"{host.name}.log"
    processes.wait_until(target.exists, seconds=20, what=f"the witness of {host.name}")
