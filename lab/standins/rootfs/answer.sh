#!/bin/sh
# One HTTP connection of the Datatrail server: standard input and output are the client.
export TZ=
while IFS= read -r request; do
    close=
    while IFS= read -r line && [ "${#line}" -gt 1 ]; do
        case $line in [Cc]onnection:*[Cc]lose*) close=yes ;; esac
    done
    read -r database at </tmp/database
    # The checker was writing, or it hangs on a database that does not answer.
    [ -n "$at" ] || read -r database at </tmp/database
    [ $((EPOCHSECONDS - ${at:-0})) -le 6 ] || database=error
    code="200 OK"
    status=ok
    [ "$database" = ok ] || { code="503 Service Unavailable" status=error; }
    case $request in
        "GET /health/check "*)
            body="{\"status\":\"$status\",\"checks\":{\"database\":{\"status\":\"$database\"},\"api\":{\"status\":\"ok\"}}}"
            ;;
        *)
            code="404 Not Found"
            body='{"detail":"Not Found"}'
            ;;
    esac
    printf 'HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s\n' \
        "$code" $((${#body} + 1)) "$body"
    [ -z "$close" ] || exit 0
done
