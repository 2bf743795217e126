"""Requests and responses between the HTTP server and the API, and errors in OpenAI's shape."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """`path` is decoded and carries no query; of a query parameter given twice the last one counts."""

    method: str
    path: str
    query: Mapping[str, str]
    authorization: str
    content_type: str
    body: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class Response:
    status: int = 200
    body: bytes = b""
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)


class Refusal(Exception):
    """An answer other than 200."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        code: str | None = None,
        param: str | None = None,
        type: str = "invalid_request_error",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.error = {"message": message, "type": type, "param": param, "code": code}
        self.headers = headers or {}

    def response(self) -> Response:
        return Response(status=self.status, body=encoded({"error": self.error}), headers=self.headers)


def encoded(payload: object) -> bytes:
    return json.dumps(payload, separators=(",", ":")).encode()


def with_headers(response: Response, headers: Mapping[str, str]) -> Response:
    return replace(response, headers={**response.headers, **headers})
