"""`python -m orchestrator` is `dtdeploy`."""

from orchestrator.cli.main import main

main()
