"""Which error codes a run can end with, by docs/errors.md, and why some have no state of their own.

A code that is new in docs/errors.md needs a state in the catalogue, or a reason here.
"""

import re
from pathlib import Path

_PAGE = Path(__file__).parents[2] / "docs" / "errors.md"
_ROW = re.compile(r"^\| `([a-z-]+)\.([a-z-]+)` \| ([\d, ]+?) \|", re.MULTILINE)
_NO_RUN = {"inventory", "scenario", "usage"}
"""Found in what was typed or written, at file:line:column, before anything is looked at."""
_NOT_AN_END = {"0", "3", "64"}
"""Exit codes of warnings, of an inventory that is wrong, and of a line that was typed wrong."""

MAY_END_A_RUN = frozenset(
    f"{group}.{name}"
    for group, name, exits in _ROW.findall(_PAGE.read_text("utf-8"))
    if group not in _NO_RUN and exits.strip() not in _NOT_AN_END
)

_FILE = "found in the repository before anything: the way on is that of `source.not-compose`"
_GIT = "said by git before anything: the way on is that of `source.fetch-failed`"
_PREFLIGHT = "found by preflight, nothing was touched: the way on is that of `swarm.port-taken`"
_SAVED = (
    "a saved plan is refused before anything, and made anew: tests/cli/test_simulated_saved_plan"
)
_HELD = "met by a resume whose git is away as well: tests/cli/test_simulated_prepared.py"
_LOGS = "no run reads logs"

ELSEWHERE: dict[str, str] = {
    **dict.fromkeys(
        (
            "source.bad-env-file",
            "source.bad-interpolation",
            "source.bad-name",
            "source.bad-value",
            "source.bad-version",
            "source.circle",
            "source.compose-missing",
            "source.conflict",
            "source.duplicate-key",
            "source.duplicate-target",
            "source.empty-file",
            "source.encrypted-file",
            "source.file-missing",
            "source.lfs-pointer",
            "source.no-file",
            "source.no-image",
            "source.no-services",
            "source.not-yaml",
            "source.relative-bind",
            "source.secret-in-plain-value",
            "source.too-large",
            "source.undeclared",
            "source.unset-variable",
        ),
        _FILE,
    ),
    **dict.fromkeys(
        (
            "source.ambiguous-ref",
            "source.bad-ref",
            "source.cache-unusable",
            "source.commit-gone",
            "source.fetch-timeout",
            "source.git-missing",
            "source.mirror-busy",
            "source.mirror-unreadable",
            "source.no-history",
            "source.unknown-ref",
        ),
        _GIT,
    ),
    **dict.fromkeys(
        (
            "preflight.node-silent",
            "preflight.not-prepared",
            "registry.node-cannot-pull",
            "registry.other-platform",
            "release.not-shipped",
            "swarm.config-missing",
            "swarm.network-missing",
            "swarm.no-leader",
            "swarm.no-node-fits",
            "swarm.no-room",
            "swarm.not-well",
            "swarm.secret-missing",
        ),
        _PREFLIGHT,
    ),
    **dict.fromkeys(
        (
            "plan.altered",
            "plan.expired",
            "plan.fleet-moved",
            "plan.ref-moved",
            "plan.too-new",
            "plan.unexpected-hash",
            "plan.use-unknown",
            "plan.used",
        ),
        _SAVED,
    ),
    **dict.fromkeys(("release.damaged", "release.differs", "release.unread"), _HELD),
    **dict.fromkeys(("logs.incomplete", "logs.not-kept"), _LOGS),
    "answer.lost": "a run looks what came of it: it ends as removal.unknown or deploy.unknown",
    "audit.not-written": "no run stops for it",
    "deploy.unknown": "needs an answer that is lost and a site that is seen at once afterwards",
    "ssh.look-only": "which key is offered is for a person; see tests/lab/test_look_only.py",
    "lock.record-too-large": "needs a plan of thousands of units",
    "lock.unreachable": "said only where the coordinator's answer carries no reason of its own",
    "release.damaged": "no run stops for it: another copy is used, or git is asked",
    "release.differs": "needs another dtdeploy; see tests/cli/test_simulated_prepared.py",
    "release.unread": "no run stops for it: another copy is used, or git is asked",
    "owed.unknown": "its screen is that of lock.unknown: the same write, to another config",
    "removal.failed": "the simulated Swarm refuses no removal",
    "removal.refused": "a site that is cut off is met first as removal.unknown",
    "restore.left": "said beside restore.unknown-revision, which decides",
    "run.stalled": "real threads stand still: tests/cli/test_watchdog.py reads its screen",
}
"""Codes without a state, and why."""
