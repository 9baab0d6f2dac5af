"""What `docker stack deploy` takes in a compose file of version 3.x, key by key.

Docker checks this while deploying, after the old stack is gone; here it is checked before.
Names and kinds are those of the Compose file reference for version 3; from which version on a
key is taken was measured by asking docker/cli 28.2.2 (`docker stack config`) for each of them.
"""

from orchestrator.sources.shape import Either, Keys, Kind, ListOf, Named, Of, Rule, Since

_TEXT = Of((Kind.TEXT,))
_WHOLE = Of((Kind.WHOLE,))
_WHOLE_CAST = Of((Kind.WHOLE,), cast=True)
_NUMBER = Of((Kind.NUMBER,))
_NUMBER_CAST = Of((Kind.NUMBER,), cast=True)
_TRUTH = Of((Kind.TRUTH,))
_TRUTH_CAST = Of((Kind.TRUTH,), cast=True)
_DURATION = Of((Kind.DURATION,))
_NULL = Of((Kind.NULL,))
_TEXT_OR_NUMBER = Of((Kind.TEXT, Kind.NUMBER))
_TEXTS = ListOf(_TEXT, unique=True)
_TEXT_OR_TEXTS = Either((_TEXT, _TEXTS))
_WORDS = Either((_TEXT, ListOf(_TEXT)))
_SETTINGS = Either((Named(Of((Kind.TEXT, Kind.NUMBER, Kind.NULL)), free=True), _TEXTS))
_OPTIONS = Named(_TEXT_OR_NUMBER, free=True)
_ANY_MAPPING = Keys({}, open=0)

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
        "mode": _NUMBER_CAST,
    },
    open=0,
)

_UPDATE: dict[str, Rule] = {
    "parallelism": _WHOLE_CAST,
    "delay": _DURATION,
    "failure_action": _TEXT,
    "monitor": _DURATION,
    "max_failure_ratio": _NUMBER_CAST,
    "order": Since(4, _TEXT),
}

_RESOURCES = Keys(
    {
        "limits": Keys({"cpus": _TEXT, "memory": _TEXT, "pids": Since(9, _WHOLE)}),
        "reservations": Keys(
            {
                "cpus": _TEXT,
                "memory": _TEXT,
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
        "constraints": ListOf(_TEXT),
        "preferences": Since(3, ListOf(Keys({"spread": _TEXT}))),
        "max_replicas_per_node": Since(8, _WHOLE_CAST),
    }
)

_DEPLOY = Either(
    (
        Keys(
            {
                "mode": _TEXT,
                "endpoint_mode": Since(2, _TEXT),
                "replicas": _WHOLE_CAST,
                "labels": _SETTINGS,
                "rollback_config": Since(7, Keys(_UPDATE)),
                "update_config": Keys(_UPDATE),
                "resources": _RESOURCES,
                "restart_policy": Keys(
                    {
                        "condition": _TEXT,
                        "delay": _DURATION,
                        "max_attempts": _WHOLE_CAST,
                        "window": _DURATION,
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
        "interval": _DURATION,
        "retries": _NUMBER_CAST,
        "test": _WORDS,
        "timeout": _DURATION,
        "start_period": Since(4, _DURATION),
        "start_interval": Since(12, _DURATION),
    }
)

_PORTS = ListOf(
    Either(
        (
            _TEXT_OR_NUMBER,
            Since(
                2,
                Keys(
                    {
                        "mode": _TEXT,
                        "target": _WHOLE_CAST,
                        "published": _WHOLE_CAST,
                        "protocol": _TEXT,
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
            _TEXT,
            Since(
                2,
                Keys(
                    {
                        "type": _TEXT,
                        "source": _TEXT,
                        "target": _TEXT,
                        "read_only": _TRUTH_CAST,
                        "consistency": _TEXT,
                        "bind": _ANY_MAPPING,
                        "volume": _ANY_MAPPING,
                        "tmpfs": Since(6, _ANY_MAPPING),
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

_BUILD = Keys(
    {
        "context": _TEXT,
        "dockerfile": _TEXT,
        "args": _SETTINGS,
        "labels": Since(3, _SETTINGS),
        "cache_from": Since(2, _TEXTS),
        "network": Since(4, _TEXT),
        "target": Since(4, _TEXT),
        "shm_size": Since(5, _TEXT_OR_NUMBER),
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
        "command": _WORDS,
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
        "entrypoint": _WORDS,
        "env_file": _TEXT_OR_TEXTS,
        "environment": _SETTINGS,
        "expose": ListOf(_TEXT_OR_NUMBER, unique=True),
        "external_links": _TEXTS,
        "extra_hosts": _SETTINGS,
        "healthcheck": _HEALTHCHECK,
        "hostname": _TEXT,
        "image": _TEXT,
        "init": Since(7, _TRUTH),
        "ipc": _TEXT,
        "isolation": Since(5, _TEXT),
        "labels": _SETTINGS,
        "links": _TEXTS,
        "logging": Keys(
            {
                "driver": _TEXT,
                "options": Named(Of((Kind.TEXT, Kind.NUMBER, Kind.NULL)), free=True),
            }
        ),
        "mac_address": _TEXT,
        "network_mode": _TEXT,
        "networks": _SERVICE_NETWORKS,
        "pid": Of((Kind.TEXT, Kind.NULL)),
        "ports": _PORTS,
        "privileged": _TRUTH_CAST,
        "read_only": _TRUTH_CAST,
        "restart": _TEXT,
        "security_opt": _TEXTS,
        "shm_size": _TEXT,
        "secrets": Since(1, ListOf(Either((_TEXT, _FILE_TARGET)))),
        "sysctls": _SETTINGS,
        "stdin_open": _TRUTH_CAST,
        "stop_grace_period": _DURATION,
        "stop_signal": _TEXT,
        "tmpfs": _TEXT_OR_TEXTS,
        "tty": _TRUTH_CAST,
        "ulimits": Named(
            Either(
                (
                    _WHOLE_CAST,
                    Keys({"hard": _WHOLE_CAST, "soft": _WHOLE_CAST}, required=("soft", "hard")),
                )
            )
        ),
        "oom_score_adj": Since(13, _WHOLE),
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
