"""Lines for a container's /etc/hosts, from `extra_hosts:`."""

from ipaddress import ip_address

_GATEWAY = "host-gateway"


def check_host(text: str) -> None:
    """Check `name=address` or `name:address`.

    Raises:
        ValueError: it is neither. Docker's command takes it, and drops it without a word or
            leaves it to each container to fail.

    """
    name, address = _parts(text)
    if not (name and address):
        raise ValueError(f"{text!r} is not `name:address`")
    check_address(address)


def check_address(text: str) -> None:
    """Check an address, or Docker's word for the host's own.

    Raises:
        ValueError: it is no address; no container with it would start.

    """
    if bare_address(text) != _GATEWAY:
        try:
            ip_address(bare_address(text))
        except ValueError:
            raise ValueError(f"{text!r} is no IP address, nor {_GATEWAY}") from None


def in_old_form(text: str) -> str:
    """Return `name:address` without brackets, the form that every docker command knows.

    20.10 drops `name=address` without a word, and keeps brackets (docker/cli#4859).
    """
    name, address = _parts(text)
    return f"{name}:{bare_address(address)}" if name and address else text


def host_line(text: str) -> str:
    """Return the line `address name`, "" where there is no address (docker/cli 28)."""
    name, address = _parts(text)
    return f"{bare_address(address)} {name}" if name and address else ""


def _parts(text: str) -> tuple[str, str]:
    name, _, address = text.partition("=" if "=" in text else ":")
    return name, address


def bare_address(address: str) -> str:
    """Return an address without its brackets."""
    return address[1:-1] if address.startswith("[") and address.endswith("]") else address
