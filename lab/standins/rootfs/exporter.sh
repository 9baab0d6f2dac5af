#!/bin/sh
# The exporter of PostgreSQL's metrics: nothing but its queries.
name=postgres_exporter
. /lib/common.sh
misbehave
exec /lib/database.sh /dev/null
