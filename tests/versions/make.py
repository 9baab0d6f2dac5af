"""Write what this dtdeploy stores to a folder here: python -m tests.versions.make NAME.

Run it when `test_simulated_versions.py` says that something is stored otherwise than by the newest
version that is kept, and add the name to `VERSIONS` in `kept.py`. What older versions stored
stays: it is what is still out there.
"""

import sys

from tests.versions import manager
from tests.versions.kept import HERE, write
from tests.versions.scenes import SCENES

if __name__ == "__main__":
    for scene in SCENES:
        write(scene, HERE / sys.argv[1] / scene.name)
    manager.write(HERE / sys.argv[1] / manager.FOLDER)
