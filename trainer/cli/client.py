"""A verb's line to the running server: JSON over HTTP, refusals as errors with what to do."""

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx

from edge_service.contract.messages import ErrorAnswer, read
from edge_service.errors import LinkError, MessageError, OkngError
from edge_service.language import say
from trainer.cli.place import configuration, no_server

_PATIENCE_S = 60.0


class RefusedByServerError(OkngError):
    """The server said no."""


class Client:
    """Asks one server with one token."""

    def __init__(self, server: str, token: str) -> None:
        self._server = server
        self._http = httpx.Client(
            base_url=server,
            headers={"Authorization": f"Bearer {token}"},
            timeout=_PATIENCE_S,
            trust_env=False,
        )

    def get(self, path: str, **query: object) -> Any:
        """Return the JSON at ``path``; a query value of None is left out."""
        return self._json(self._send("GET", path, query=query))

    def send(self, method: str, path: str, body: Mapping[str, object] | None = None) -> Any:
        """Send a JSON body and return the JSON that comes back, None for none."""
        content = None if body is None else json.dumps(body).encode()
        return self._json(self._send(method, path, content=content, kind="application/json"))

    def upload(self, method: str, path: str, content: bytes) -> Any:
        """Send bytes and return the JSON that comes back."""
        return self._json(self._send(method, path, content=content, kind="application/octet-stream"))

    def download(self, path: str) -> bytes:
        """Return the bytes at ``path``."""
        return self._send("GET", path).content

    def _send(
        self,
        method: str,
        path: str,
        *,
        content: bytes | None = None,
        kind: str = "",
        query: Mapping[str, object] | None = None,
    ) -> httpx.Response:
        head = {"Content-Type": kind} if content is not None else {}
        asked = {key: str(value) for key, value in (query or {}).items() if value not in {None, ""}}
        try:
            answer = self._http.request(method, path, content=content, headers=head, params=asked)
        except httpx.HTTPError as error:
            raise self._away(error) from error
        if answer.is_error:
            raise self.refusal(answer)
        return answer

    def events(self, path: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield kind and document of every server-sent event until the server ends the stream.

        A broken line is taken up again after the last event that came.
        """
        last, kind = 0, ""
        while True:
            try:
                head = {"Last-Event-ID": str(last)}
                with self._http.stream("GET", path, headers=head) as answer:
                    if answer.is_error:
                        answer.read()
                        raise self.refusal(answer)
                    for line in answer.iter_lines():
                        key, _, value = line.partition(": ")
                        if key == "id":
                            last = int(value)
                        elif key == "event":
                            kind = value
                        elif key == "data":
                            yield kind, json.loads(value)
                    return
            except httpx.RemoteProtocolError:
                continue
            except httpx.HTTPError as error:
                raise self._away(error) from error

    def refusal(self, answer: httpx.Response) -> OkngError:
        """Return what the server's refusal says."""
        try:
            told = read(ErrorAnswer, answer.content)
        except MessageError:
            return RefusedByServerError(f"{self._server}: HTTP {answer.status_code}")
        return RefusedByServerError(told.what, remedy=told.remedy)

    def _away(self, error: httpx.HTTPError) -> LinkError:
        return LinkError(
            say(
                f"the server {self._server} does not answer: {error}",
                f"服务器 {self._server} 无响应：{error}",
            ),
            remedy=say(
                "see whether it runs: systemctl status okng-trainer",
                "请检查是否运行：systemctl status okng-trainer",
            ),
        )

    @staticmethod
    def _json(answer: httpx.Response) -> Any:
        return answer.json() if answer.content else None


def connect(config: Path, data_dir: Path | None, server: str) -> Client:
    """Return the line to the server that the options name. Raises ConfigurationError."""
    token = os.environ.get("OKNG_TOKEN", "")
    if server:
        return Client(server, token)
    whole = configuration(config, data_dir)
    try:
        here = whole.address_file.read_text("ascii").strip()
        return Client(here, token or whole.admin_token.read_text("ascii").strip())
    except OSError as error:
        raise no_server(whole, error) from error
