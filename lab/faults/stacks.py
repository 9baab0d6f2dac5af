"""Stacks that no inventory declares."""

from lab import hosts, processes
from lab.standins.compose import idle_stack

_SECONDS = 60


def stack(word: str, name: str, *, replicas: int = 1, published: int | None = None) -> None:
    """Deploy a stack with one idle service, by hand, at a host."""
    text = idle_stack(replicas=replicas, published=published)
    deploy = ["stack", "deploy", "--with-registry-auth", "-c", "-", name]
    hosts.run(word, "docker", *deploy, stdin=text)


def stack_remove(word: str, name: str) -> None:
    """Remove a stack and wait until nothing of it runs."""
    host = hosts.find(word)
    hosts.docker(word, "stack", "rm", name)
    label = {"filters": {"label": [f"com.docker.stack.namespace={name}"]}}
    processes.wait_until(
        lambda: not hosts.api(host, "GET", "/tasks", query=dict(label)),
        seconds=_SECONDS,
        what=f"the tasks of {name} at {host.name} to go",
    )
