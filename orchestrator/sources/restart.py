"""`restart:` of a service, which counts where there is no `restart_policy`."""

from orchestrator.fleet.spec import RestartPolicy

_ALWAYS = {"", "no", "always", "unless-stopped"}


def restart_policy(text: str) -> RestartPolicy:
    """Return what `text` asks for; `no` says nothing to a Swarm (docker/cli compose/convert).

    Raises:
        ValueError: it is no restart policy, in Docker's words.

    """
    name, colon, attempts = text.partition(":")
    if colon and not name:
        raise ValueError("invalid restart policy format: no policy provided before colon")
    if colon and not attempts.isdecimal():
        raise ValueError("invalid restart policy format: maximum retry count must be an integer")
    if name == "on-failure":
        return RestartPolicy(condition=name, attempts=int(attempts or 0))
    if name not in _ALWAYS:
        raise ValueError(f"unknown restart policy: {name}")
    return RestartPolicy()
