"""An annotation in Grafana: the window in which something was down, drawn into every graph.

Its HTTP API: POST /api/annotations with a token of a service account that may write annotations.
"""

from collections.abc import Iterable

import requests

_TAG = "dtdeploy"


def annotate(
    url: str,
    token: str,
    *,
    began: float,
    ended: float,
    text: str,
    tags: Iterable[str],
    timeout_seconds: float,
) -> str:
    """Draw an outage from `began` to `ended`, seconds since 1970.

    Returns:
        Why it was not drawn, in words without the URL or the token; "" when it was.

    """
    body = {
        "time": round(began * 1000),
        "timeEnd": round(ended * 1000),
        "tags": [_TAG, *tags],
        "text": text,
    }
    try:
        # Its status is all that is asked for: what else it answers is not read.
        with requests.post(
            f"{url.rstrip('/')}/api/annotations",
            json=body,
            headers={"Authorization": f"Bearer {token}"} if token else {},
            timeout=timeout_seconds,
            allow_redirects=False,
            stream=True,
        ) as answer:
            return "" if answer.ok else f"Grafana: HTTP {answer.status_code}"
    except (requests.RequestException, ValueError) as error:
        # Their words may quote the URL, and a URL may hold a login.
        return f"Grafana: {type(error).__name__}"
