"""The real servers that the lab runs: one file each."""
