"""An API client with a token, for tests."""

from __future__ import annotations

from typing import Any, Self

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from accounts.models import Scope, User
from accounts.services import tokens


class Program:
    """Sends JSON with its token; returns Django's test responses."""

    def __init__(self, user: User, *scopes: str, **options: Any) -> None:
        self.token, self.secret = tokens.create(user, "a program", scopes or Scope.values, **options)
        self._client = _client_of(self.secret)

    @classmethod
    def of(cls, secret: str) -> Self:
        """A client with the given secret."""
        program = cls.__new__(cls)
        program.secret, program._client = secret, _client_of(secret)
        return program

    def ask(self, method: str, address: str, data: Any = None, **headers: str) -> Any:
        """Sends any request; `Idempotency_Key="x"` becomes a header."""
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        path = address.removeprefix("http://testserver")
        path = path if path.startswith("/") else f"/api/v1/{path}"
        more = {} if data is None else {"data": data, "content_type": "application/json"}
        return getattr(self._client, method)(path, headers=names, **more)

    def get(self, address: str, **headers: str) -> Any:
        """Sends a GET."""
        return self.ask("get", address, **headers)

    def post(self, address: str, data: Any = None, **headers: str) -> Any:
        """Sends JSON by POST."""
        return self.ask("post", address, {} if data is None else data, **headers)

    def form(self, address: str, fields: dict[str, Any], **headers: str) -> Any:
        """Sends a multipart form; bytes become files."""
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        path = address.removeprefix("http://testserver")
        path = path if path.startswith("/") else f"/api/v1/{path}"
        return self._client.post(path, _with_files(fields), headers=names)


def _client_of(secret: str) -> Client:
    return Client(headers={"Authorization": f"Token {secret}"})


def _with_files(fields: dict[str, Any]) -> dict[str, Any]:
    def file(value: Any, number: int) -> Any:
        return SimpleUploadedFile(f"file-{number}.png", value) if isinstance(value, bytes) else value

    return {
        name: [file(one, number) for number, one in enumerate(value)]
        if isinstance(value, list)
        else file(value, 0)
        for name, value in fields.items()
    }
