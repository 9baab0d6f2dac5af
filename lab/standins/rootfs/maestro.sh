#!/bin/sh
# The entry point of both images.
case $1 in
    server) exec /lib/server.sh ;;
    postgres_exporter) exec /lib/exporter.sh ;;
    autossh) exec /lib/autossh.sh "$2" "$3" ;;
    daemon | client) exec /lib/poll.sh "$2" ;;
    idle) exec /lib/idle.sh ;;
    health)
        # Not wget: in Debian's static busybox it dies of a segmentation fault.
        printf 'GET /health/check HTTP/1.1\r\nConnection: close\r\n\r\n' |
            nc -w 2 127.0.0.1 8001 | grep -q '^{"status":"ok"'
        ;;
    *)
        echo "usage: maestro server|postgres_exporter|autossh SITE HOST|daemon NAME|client NAME|idle|health" >&2
        exit 64
        ;;
esac
