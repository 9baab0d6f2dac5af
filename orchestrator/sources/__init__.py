"""Repositories at exact commits: mirrors, pins, compose files, releases. The only user of git."""
