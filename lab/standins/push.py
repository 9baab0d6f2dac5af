"""Fill the registry: run as `python -m lab.standins.push` inside the registry's network."""

import base64
import http.client
import sys
from dataclasses import dataclass
from pathlib import Path

from lab.errors import LabError
from lab.standins.images import MANIFEST_TYPE, Image, build_all, digest

_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Registry:
    """A registry that asks for a password."""

    address: str
    user: str
    password: str

    def push(self, image: Image) -> None:
        """Push blobs that are missing, then the manifest."""
        for blob in image.blobs:
            if self._call("HEAD", f"/v2/{image.name}/blobs/{digest(blob)}").status != 200:
                self._upload(image.name, blob)
        answer = self._call(
            "PUT", f"/v2/{image.name}/manifests/{image.tag}", image.manifest, MANIFEST_TYPE
        )
        _expect(answer, 201, f"{image.name}:{image.tag}")

    def _upload(self, name: str, blob: bytes) -> None:
        begun = self._call("POST", f"/v2/{name}/blobs/uploads/")
        _expect(begun, 202, name)
        place = begun.headers["Location"].removeprefix(f"http://{self.address}")
        done = self._call("PUT", f"{place}&digest={digest(blob)}", blob)
        _expect(done, 201, name)

    def _call(
        self, method: str, path: str, body: bytes = b"", kind: str = "application/octet-stream"
    ) -> http.client.HTTPResponse:
        connection = http.client.HTTPConnection(self.address, timeout=_SECONDS)
        token = base64.b64encode(f"{self.user}:{self.password}".encode()).decode()
        headers = {"Authorization": f"Basic {token}", "Content-Type": kind}
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        answer.read()
        return answer


def _expect(answer: http.client.HTTPResponse, status: int, what: str) -> None:
    if answer.status != status:
        raise LabError(f"the registry answered {answer.status} {answer.reason} for {what}")


def main() -> None:
    """Push every image; the password comes on standard input.

    Arguments: address, user, the busybox program, and perhaps a time at which to say that they
    were created.
    """
    address, user, busybox, *created = sys.argv[1:]
    registry = Registry(address, user, sys.stdin.read())
    for image in build_all(Path(busybox).read_bytes(), *created):
        registry.push(image)


if __name__ == "__main__":
    main()
