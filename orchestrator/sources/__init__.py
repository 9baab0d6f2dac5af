"""Repositories at exact commits: mirrors, pins, compose files, releases. The only user of git."""

import os

# GitPython looks for git when it is imported, and fails right there unless told not to mind;
# a machine without git gets an error of ours instead, when git is first needed.
os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")
