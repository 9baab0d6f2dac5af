TIMEOUT_SECONDS = 1.0
"""How long `status` waits for a site: with what it takes to start and to end, below two seconds."""
