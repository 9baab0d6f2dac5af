from click.testing import CliRunner

from orchestrator.cli.main import cli
from tests.docs.pages import ROOT, RUNBOOKS

PAGE = (RUNBOOKS / "by-hand.md").read_text("utf-8")


def test_what_is_typed_by_hand_is_what_the_inventory_says_today() -> None:
    """Else: `dtdeploy plan --all --as-commands > runbooks/by-hand.sh`, and read the difference."""
    inventory = str(ROOT / "sites.yaml")
    printed = CliRunner().invoke(cli, ["-i", inventory, "plan", "--all", "--as-commands"])
    assert (RUNBOOKS / "by-hand.sh").read_text("utf-8") == printed.stdout


def test_the_page_explains_lines_that_are_there() -> None:
    typed = (RUNBOOKS / "by-hand.sh").read_text("utf-8")
    rows = [row.split("|")[1] for row in PAGE.splitlines() if row.startswith("| `")]
    named = [word for row in rows for word in row.split("`")[1::2]]
    assert len(named) > len(rows)
    assert [name for name in named if name not in typed] == []
