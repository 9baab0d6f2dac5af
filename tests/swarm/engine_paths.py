"""Every path of the Docker Engine API 1.41 to 1.56, with its methods (moby daemon/server/router).

ID, NAME and the like stand for whatever is named.
"""

from collections.abc import Iterator

_PATHS = """
GET /_ping
HEAD /_ping
GET /info
GET /version
GET /events
GET /system/df
POST /auth
POST /session
POST /grpc
POST /build
POST /build/prune
POST /build/cancel
POST /commit
GET /containers/json
POST /containers/create
POST /containers/prune
GET /containers/ID/json
GET /containers/ID/top
GET /containers/ID/logs
GET /containers/ID/changes
GET /containers/ID/export
GET /containers/ID/stats
GET /containers/ID/attach/ws
GET /containers/ID/archive
HEAD /containers/ID/archive
PUT /containers/ID/archive
POST /containers/ID/attach
POST /containers/ID/copy
POST /containers/ID/exec
POST /containers/ID/kill
POST /containers/ID/pause
POST /containers/ID/rename
POST /containers/ID/resize
POST /containers/ID/restart
POST /containers/ID/start
POST /containers/ID/stop
POST /containers/ID/unpause
POST /containers/ID/update
POST /containers/ID/wait
DELETE /containers/ID
GET /containers/ID/checkpoints
POST /containers/ID/checkpoints
DELETE /containers/ID/checkpoints/NAME
GET /exec/ID/json
POST /exec/ID/start
POST /exec/ID/resize
GET /images/json
GET /images/search
GET /images/get
GET /images/NAME/get
GET /images/NAME/json
GET /images/NAME/history
GET /images/NAME/attestations
POST /images/create
POST /images/load
POST /images/prune
POST /images/NAME/push
POST /images/NAME/tag
DELETE /images/NAME
GET /networks
GET /networks/ID
POST /networks/create
POST /networks/prune
POST /networks/ID/connect
POST /networks/ID/disconnect
DELETE /networks/ID
GET /volumes
GET /volumes/NAME
POST /volumes/create
POST /volumes/prune
PUT /volumes/NAME
DELETE /volumes/NAME
GET /plugins
GET /plugins/privileges
GET /plugins/NAME/json
POST /plugins/create
POST /plugins/pull
POST /plugins/NAME/enable
POST /plugins/NAME/disable
POST /plugins/NAME/push
POST /plugins/NAME/set
POST /plugins/NAME/upgrade
DELETE /plugins/NAME
GET /swarm
GET /swarm/unlockkey
POST /swarm/init
POST /swarm/join
POST /swarm/leave
POST /swarm/unlock
POST /swarm/update
GET /nodes
GET /nodes/ID
POST /nodes/ID/update
DELETE /nodes/ID
GET /services
GET /services/ID
GET /services/ID/logs
POST /services/create
POST /services/ID/update
DELETE /services/ID
GET /tasks
GET /tasks/ID
GET /tasks/ID/logs
GET /configs
GET /configs/ID
POST /configs/create
POST /configs/ID/update
DELETE /configs/ID
GET /secrets
GET /secrets/ID
POST /secrets/create
POST /secrets/ID/update
DELETE /secrets/ID
GET /distribution/NAME/json
"""
ROUTES = tuple((line.split()[0], line.split()[1]) for line in _PATHS.split("\n") if line)
PATHS = tuple(dict.fromkeys(path for _, path in ROUTES))
READ = {
    "/version",
    "/info",
    "/nodes",
    "/services",
    "/tasks",
    "/networks",
    "/configs",
    "/secrets",
    "/containers/json",
    "/volumes/NAME",
    "/volumes/create",  # to a GET, these are names of volumes
    "/volumes/prune",
    "/distribution/NAME/json",
}
"""Of these a GET is let through."""
OTHER_METHODS = ("POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "CONNECT", "TRACE")


def named(path: str) -> str:
    """Return a path with names that may be of something."""
    return path.replace("ID", "a" * 25).replace("NAME", "app")


def tricks(path: str) -> Iterator[str]:
    """Yield ways to write a path, some of which other readers take for the very same."""
    yield path.replace("/", "//", 1)
    yield path.replace("/", "/./", 1)
    yield f"/x/..{path}"
    yield f"{path}/"
    yield f"{path}/."
    yield f"{path}/../{path.rpartition('/')[2]}"
    yield f"{path}?"
    yield f"{path}?x=1"
    yield f"{path}?filters="
    yield f"{path}?filters=%7B%22name%22%3A%20%5B%22x%22%5D%7D"
    yield f"{path}#x"
    yield f"{path};x=1"
    yield f"{path}%00"
    yield f"{path}%2f"
    yield f"{path}%0d%0aX:%20y"
    yield path.replace("/", "/%2e%2e/", 1)
    yield path.replace("/", "%2F", 1)
    yield f"/{path[1:].replace('/', '%2F')}%20"
    yield f"/%{ord(path[1]):02x}{path[2:]}"
    yield path.upper()
    yield f"http://docker{path}"
    yield f"//docker{path}"
    yield f"docker:80{path}"
    yield f"/v1.41/v1.41{path}"
    yield f"/v1.41/..{path}"
    yield f"/x/v1.41{path}"
    yield f"/v2.0{path}"
    yield f"/v1{path}"
    yield f"/v1.41/x{path}"
