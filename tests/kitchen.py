"""A compose file with every field of a service that a Swarm of the lab takes, in several forms."""

from lab.standins.images import CLIENT_IMAGE, SERVER_IMAGE
from lab.topology import REGISTRY

IMAGE = f"{REGISTRY.name}:5000/{CLIENT_IMAGE}"
OTHER_IMAGE = f"{REGISTRY.name}:5000/{SERVER_IMAGE}"
FOLDER = "stacks"
PATH = f"{FOLDER}/kitchen.yaml"
KINDS = ("services", "networks", "configs", "secrets")
VARIABLES = {"LEVEL": "info", "GIVEN": "here"}
SECRETS = {"PASSWORD": "plan'ted $x"}

FULL = """
  full:
    image: IMAGE:latest
    command: idle "two words" 'it''s' # not this
    environment:
      TEXT: a b=c
      WHOLE: 7
      FRACTION: 1.50
      LARGE: 12345678.0
      OCTAL: 010
      EMPTY: ""
      LEVEL: ${LEVEL}
      GIVEN:
      DSN: postgres://me:${PASSWORD}@db/x
      SHARED: over the file
    env_file: [one.env, more/two.env]
    labels: {container.one: "1", container.two: , container.three: "a=b"}
    hostname: "{{.Node.Hostname}}"
    user: "0:0"
    working_dir: /tmp
    stop_signal: SIGINT
    stop_grace_period: 1m1.5s
    init: true
    tty: true
    stdin_open: true
    read_only: true
    dns: [198.18.0.9, 198.18.0.8]
    dns_search: lab
    extra_hosts: ["somebody:198.18.0.77", "six:fd00::1"]
    cap_add: [net_admin, CAP_SYS_TIME]
    cap_drop: [NET_ADMIN, mknod]
    sysctls: {net.core.somaxconn: 1024, net.ipv4.tcp_syncookies: "0"}
    ulimits: {nofile: {soft: 1000, hard: 2000}, nproc: 500}
    logging: {driver: json-file, options: {max-size: 1m, max-file: 3}}
    healthcheck:
      test: "true"
      interval: 1500ms
      timeout: 2s
      retries: 5
      start_period: 1m
    volumes:
      - /var/lib/kitchen
      - data:/data
      - outside:/outside:ro
      - /etc:/host-etc:ro,private
      - {type: volume, source: named, target: /named, read_only: true, volume: {nocopy: true}}
      - {type: bind, source: /tmp, target: /host-tmp, bind: {propagation: private}}
      - {type: tmpfs, target: /tmp, tmpfs: {size: 1048576}}
    networks:
      default:
      inner: {aliases: [pantry, larder]}
      outer:
    ports:
      - "18080:80"
      - "18100-18101:100-101/udp"
      - "81"
    secrets:
      - password
      - {source: key, target: /run/key.pem, uid: "1", gid: "2", mode: 0400}
    configs:
      - settings
      - {source: shared, target: /etc/shared.conf, mode: 0640}
    deploy:
      replicas: 2
      endpoint_mode: vip
      labels: ["service.one=1", "service.two"]
      resources:
        limits: {cpus: "0.50", memory: 96m, pids: 100}
        reservations: {cpus: "0.01", memory: 4.5m}
      placement:
        constraints: [node.role==manager, "node.labels.nothing != here"]
        preferences: [{spread: node.labels.rack}, {spread: node.id}]
        max_replicas_per_node: 4
      restart_policy: {condition: on-failure, delay: 3s, max_attempts: 7, window: 2m}
      update_config:
        parallelism: 2
        delay: 1s
        failure_action: rollback
        monitor: 3s
        max_failure_ratio: 0.25
        order: start-first
      rollback_config: {parallelism: 0, failure_action: continue, monitor: 1s}
"""
OTHERS = """
  plain:
    image: IMAGE
    command: [idle]
  restarted:
    image: IMAGE:latest
    entrypoint: ["/bin/maestro"]
    command: idle
    restart: on-failure:3
    environment: [LISTED=1, "LEVEL=${LEVEL:-none}", GIVEN]
    labels: [listed=1, bare]
    extra_hosts: {other: 198.18.0.78, another: 198.18.0.79}
    healthcheck: {disable: true}
    networks: [inner]
    logging: {driver: none}
    init: false
    sysctls: [net.core.somaxconn=512]
    deploy: {update_config: {}, resources: {limits: {}}}
  everywhere:
    image: IMAGE:latest
    command: ["idle"]
    ports: [{target: 90, published: 18090, protocol: tcp, mode: host}]
    deploy:
      mode: global
      endpoint_mode: dnsrr
      restart_policy: {}
      placement: {constraints: [node.role == manager]}
    healthcheck: {test: ["CMD", "true"], interval: 1s}
  asleep:
    image: IMAGE:latest
    entrypoint: /bin/maestro
    isolation: default
    credential_spec: {config: settings}
    cap_add: [ALL]
    deploy:
      replicas: 0
      resources:
        reservations:
          generic_resources: [{discrete_resource_spec: {kind: gpu, value: 2}}]
  guarded:
    image: IMAGE:latest
    credential_spec: {file: spec.json}
    isolation: process
    volumes: ["data:/one", "data:/two:nocopy"]
    stop_grace_period: 0s
    deploy:
      replicas: 0
      restart_policy: {condition: none, delay: 0s}
      update_config: {parallelism: 0}
"""
PARTS = """
networks:
  inner: {driver: overlay, internal: true, attachable: true, labels: {a: "1"}}
  outer: {external: true, name: outside}
  unused: {}
volumes:
  data: {driver: local, driver_opts: {type: tmpfs, device: tmpfs, o: size=1m}, labels: {v: "1"}}
  named: {name: kitchen-by-name}
  outside: {external: true}
secrets:
  password: {file: ./secret.txt}
  key: {external: true, name: outside-key}
configs:
  settings: {file: ./settings.toml, labels: {c: "1"}}
  shared: {file: ./more/shared.conf, name: "kitchen-shared-${LEVEL}"}
"""
COMPOSE = ('version: "3.9"\nservices:' + FULL + OTHERS + PARTS).replace("IMAGE", IMAGE)
FILES = {
    PATH: COMPOSE,
    f"{FOLDER}/one.env": '# first\n  INDENTED=x \nSHARED=one\nGIVEN\nQUOTED="q"\nNONE\n',
    f"{FOLDER}/more/two.env": "\ufeffSECOND=2=3\r\nLEVEL=\n",
    f"{FOLDER}/secret.txt": "hunter2\n",
    f"{FOLDER}/settings.toml": "a = 1\n",
    f"{FOLDER}/more/shared.conf": "b = 2\n",
}
