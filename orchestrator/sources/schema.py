"""What `docker stack deploy` takes in a compose file of version 3.x, key by key.

Docker checks this while deploying, after the old stack is gone; here it is checked before.
Names and kinds are those of the Compose file reference for version 3; from which version on a
key is taken was measured by asking docker/cli 28.2.2 (`docker stack config`) for each of them.
"""

from orchestrator.sources.constraint import check_constraint
from orchestrator.sources.extra_hosts import check_address, check_host
from orchestrator.sources.image_reference import check_image
from orchestrator.sources.mounts import short_mount
from orchestrator.sources.ports import PROTOCOLS, short
from orchestrator.sources.quantities import (
    check_time,
    file_mode,
    memory_bytes,
    nano_cpus,
    not_negative,
    oom_score,
    port_number,
    share,
    unsigned,
)
from orchestrator.sources.restart import restart_policy
from orchestrator.sources.shape import Either, Keys, Kind, ListOf, Named, Of, Rule, Since
from orchestrator.sources.shell_words import split


def _one_of(what: str, *words: str) -> Of:
    """Return the rule for a text that is one of `words`; in place of "" stands what is usual."""

    def parse(text: str) -> None:
        if text not in words:
            raise ValueError(f"{text!r} is no {what}; there are {', '.join(filter(None, words))}")

    return Of((Kind.TEXT,), parse=parse)


_TEXT = Of((Kind.TEXT,))
_ULIMIT = Of((Kind.INTEGER,), cast=True)
_NUMBER = Of((Kind.NUMBER,))
_NUMBER_CAST = Of((Kind.NUMBER,), cast=True)
_TRUTH = Of((Kind.TRUTH,))
_TRUTH_CAST = Of((Kind.TRUTH,), cast=True)
_DURATION = Of((Kind.DURATION,))
_TIME_SPAN = Of((Kind.DURATION,), parse=not_negative)
_CHECK_TIME = Of((Kind.DURATION,), parse=check_time)
_NULL = Of((Kind.NULL,))
_TEXT_OR_NUMBER = Of((Kind.TEXT, Kind.NUMBER))
_TEXTS = ListOf(_TEXT, unique=True)
_TEXT_OR_TEXTS = Either((_TEXT, _TEXTS))
_WORDS = Either((_TEXT, ListOf(_TEXT)))
_SETTING = Of((Kind.TEXT, Kind.NUMBER, Kind.NULL), dates=True)
_SETTINGS = Either((Named(_SETTING, free=True), _TEXTS))
_OPTIONS = Named(Of((Kind.TEXT, Kind.NUMBER), dates=True), free=True)
_UNSIGNED_CAST = Of((Kind.WHOLE,), cast=True, parse=unsigned)
_CPUS = Of((Kind.TEXT,), parse=nano_cpus)
_MEMORY = Of((Kind.TEXT,), parse=memory_bytes)
_PORT = Of((Kind.WHOLE,), cast=True, parse=port_number)
_COMMAND = Either((Of((Kind.TEXT,), parse=split), ListOf(_TEXT)))
_ORDER = _one_of("order", "start-first", "stop-first")

_EXTERNAL = Either((_TRUTH_CAST, Keys({"name": _TEXT})))
_EXTERNAL_FILE = Either((_TRUTH_CAST, Keys({"name": _TEXT}, open=0)))

_EXTENSIONS = 7
"""From this minor version on, keys that begin with x- are taken within the sections."""

_FILE_TARGET = Keys(
    {
        "source": _TEXT,
        "target": _TEXT,
        "uid": _TEXT,
        "gid": _TEXT,
        "mode": Of((Kind.NUMBER,), cast=True, parse=file_mode),
    },
    open=0,
)

# A Swarm takes the failure action `rollback` for a rollback as well (measured on 20.10 and 26).
_UPDATE_CONFIG = Keys(
    {
        "parallelism": _UNSIGNED_CAST,
        "delay": _TIME_SPAN,
        "failure_action": _one_of("failure action", "", "pause", "continue", "rollback"),
        "monitor": _TIME_SPAN,
        "max_failure_ratio": Of((Kind.NUMBER,), cast=True, parse=share),
        "order": Since(4, _ORDER),
    }
)

_RESOURCES = Keys(
    {
        "limits": Keys(
            {"cpus": _CPUS, "memory": _MEMORY, "pids": Since(9, Of((Kind.WHOLE,), parse=unsigned))}
        ),
        "reservations": Keys(
            {
                "cpus": _CPUS,
                "memory": _MEMORY,
                "generic_resources": Since(
                    5,
                    ListOf(
                        Keys({"discrete_resource_spec": Keys({"kind": _TEXT, "value": _NUMBER})})
                    ),
                ),
            }
        ),
    }
)

_PLACEMENT = Keys(
    {
        "constraints": ListOf(Of((Kind.TEXT,), parse=check_constraint)),
        "preferences": Since(3, ListOf(Keys({"spread": _TEXT}))),
        "max_replicas_per_node": Since(8, _UNSIGNED_CAST),
    }
)

_DEPLOY = Either(
    (
        Keys(
            {
                "mode": _TEXT,
                "endpoint_mode": Since(2, _one_of("endpoint mode", "", "vip", "dnsrr")),
                "replicas": _UNSIGNED_CAST,
                "labels": _SETTINGS,
                "rollback_config": Since(7, _UPDATE_CONFIG),
                "update_config": _UPDATE_CONFIG,
                "resources": _RESOURCES,
                "restart_policy": Keys(
                    {
                        "condition": _one_of("condition", "", "none", "on-failure", "any"),
                        "delay": _TIME_SPAN,
                        "max_attempts": _UNSIGNED_CAST,
                        "window": _TIME_SPAN,
                    }
                ),
                "placement": _PLACEMENT,
            }
        ),
        _NULL,
    )
)

_HEALTHCHECK = Keys(
    {
        "disable": _TRUTH_CAST,
        "interval": _CHECK_TIME,
        "retries": Of((Kind.NUMBER,), cast=True, parse=unsigned),
        "test": _WORDS,
        "timeout": _CHECK_TIME,
        "start_period": Since(4, _CHECK_TIME),
        "start_interval": Since(12, _CHECK_TIME),
    }
)

_PORTS = ListOf(
    Either(
        (
            Of((Kind.TEXT, Kind.INTEGER), parse=short),
            Since(
                2,
                Keys(
                    {
                        "mode": _one_of("way to publish a port", "", "ingress", "host"),
                        "target": _PORT,
                        "published": _PORT,
                        "protocol": _one_of("protocol", "", *PROTOCOLS),
                    }
                ),
            ),
        )
    ),
    unique=True,
)

_VOLUMES = ListOf(
    Either(
        (
            Of((Kind.TEXT,), parse=short_mount),
            Since(
                2,
                Keys(
                    {
                        "type": _TEXT,
                        "source": _TEXT,
                        "target": _TEXT,
                        "read_only": _TRUTH_CAST,
                        "consistency": _TEXT,
                        "bind": Keys({"propagation": _TEXT}, open=0),
                        "volume": Keys({"nocopy": _TRUTH_CAST}, open=0),
                        "tmpfs": Since(
                            6, Keys({"size": Of((Kind.WHOLE,), parse=unsigned)}, open=0)
                        ),
                    },
                    required=("type",),
                ),
            ),
        )
    ),
)

_SERVICE_NETWORKS = Either(
    (
        Named(
            Either(
                (
                    Keys(
                        {
                            "aliases": _TEXTS,
                            "driver_opts": Since(13, _OPTIONS),
                            "ipv4_address": _TEXT,
                            "ipv6_address": _TEXT,
                        }
                    ),
                    _NULL,
                )
            )
        ),
        _TEXTS,
    )
)

_HOSTS = Either(
    (
        Named(Of((Kind.TEXT,), parse=check_address), free=True),
        ListOf(Of((Kind.TEXT,), parse=check_host), unique=True),
    )
)

_BUILD = Keys(
    {
        "context": _TEXT,
        "dockerfile": _TEXT,
        "args": _SETTINGS,
        "labels": Since(3, _SETTINGS),
        "cache_from": Since(2, _TEXTS),
        "network": Since(4, _TEXT),
        "target": Since(4, _TEXT),
        "shm_size": Since(5, Of((Kind.TEXT, Kind.WHOLE))),
        "extra_hosts": Since(9, _SETTINGS),
    },
    open=11,
)

_SERVICE = Keys(
    {
        "deploy": _DEPLOY,
        "build": Either((_TEXT, _BUILD)),
        "cap_add": _TEXTS,
        "cap_drop": _TEXTS,
        "cgroupns_mode": Since(9, _TEXT),
        "cgroup_parent": _TEXT,
        "command": _COMMAND,
        "configs": Since(3, ListOf(Either((_TEXT, _FILE_TARGET)))),
        "container_name": _TEXT,
        "credential_spec": Since(
            3, Keys({"config": Since(8, _TEXT), "file": _TEXT, "registry": _TEXT})
        ),
        "depends_on": _TEXTS,
        "devices": _TEXTS,
        "dns": _TEXT_OR_TEXTS,
        "dns_search": _TEXT_OR_TEXTS,
        "domainname": _TEXT,
        "entrypoint": _COMMAND,
        "env_file": _TEXT_OR_TEXTS,
        "environment": _SETTINGS,
        "expose": ListOf(_TEXT_OR_NUMBER, unique=True),
        "external_links": _TEXTS,
        "extra_hosts": _HOSTS,
        "healthcheck": _HEALTHCHECK,
        "hostname": _TEXT,
        "image": Of((Kind.TEXT,), parse=check_image),
        "init": Since(7, _TRUTH),
        "ipc": _TEXT,
        "isolation": Since(5, _one_of("isolation", "", "default", "process", "hyperv")),
        "labels": _SETTINGS,
        "links": _TEXTS,
        "logging": Keys(
            {
                "driver": _TEXT,
                "options": Named(_SETTING, free=True),
            }
        ),
        "mac_address": _TEXT,
        "network_mode": _TEXT,
        "networks": _SERVICE_NETWORKS,
        "pid": Of((Kind.TEXT, Kind.NULL)),
        "ports": _PORTS,
        "privileged": _TRUTH_CAST,
        "read_only": _TRUTH_CAST,
        "restart": Of((Kind.TEXT,), parse=restart_policy),
        "security_opt": _TEXTS,
        "shm_size": _TEXT,
        "secrets": Since(1, ListOf(Either((_TEXT, _FILE_TARGET)))),
        "sysctls": _SETTINGS,
        "stdin_open": _TRUTH_CAST,
        "stop_grace_period": _TIME_SPAN,
        "stop_signal": _TEXT,
        "tmpfs": _TEXT_OR_TEXTS,
        "tty": _TRUTH_CAST,
        "ulimits": Named(
            Either(
                (
                    _ULIMIT,
                    Keys({"hard": _ULIMIT, "soft": _ULIMIT}, required=("soft", "hard")),
                )
            )
        ),
        "oom_score_adj": Since(13, Of((Kind.WHOLE,), parse=oom_score)),
        "user": _TEXT,
        "userns_mode": _TEXT,
        "volumes": _VOLUMES,
        "working_dir": _TEXT,
    },
    extensions=_EXTENSIONS,
)

_NETWORK = Either(
    (
        Keys(
            {
                "name": Since(5, _TEXT),
                "driver": _TEXT,
                "driver_opts": _OPTIONS,
                "ipam": Keys({"driver": _TEXT, "config": ListOf(Keys({"subnet": _TEXT}))}),
                "external": _EXTERNAL,
                "internal": _TRUTH_CAST,
                "attachable": Since(2, _TRUTH_CAST),
                "labels": _SETTINGS,
            },
            extensions=_EXTENSIONS,
        ),
        _NULL,
    )
)

_VOLUME = Either(
    (
        Keys(
            {
                "name": Since(4, _TEXT),
                "driver": _TEXT,
                "driver_opts": _OPTIONS,
                "external": _EXTERNAL,
                "labels": _SETTINGS,
            },
            extensions=_EXTENSIONS,
        ),
        _NULL,
    )
)

_CONFIG: dict[str, Rule] = {
    "name": Since(5, _TEXT),
    "file": _TEXT,
    "external": _EXTERNAL_FILE,
    "labels": _SETTINGS,
    "template_driver": Since(8, _TEXT),
}

_SECRET: dict[str, Rule] = {
    **_CONFIG,
    "driver": Since(8, _TEXT),
    "driver_opts": Since(8, _OPTIONS),
}

COMPOSE_FILE = Keys(
    {
        "version": _TEXT,
        "services": Named(_SERVICE),
        "networks": Named(_NETWORK, free=True),
        "volumes": Named(_VOLUME),
        "secrets": Since(1, Named(Keys(_SECRET, extensions=_EXTENSIONS))),
        "configs": Since(3, Named(Keys(_CONFIG, extensions=_EXTENSIONS))),
    },
    extensions=4,
)
