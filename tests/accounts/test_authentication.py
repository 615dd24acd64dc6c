"""Token authentication over HTTP: two headers, scopes by method, errors with code and sentence."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import pytest
from django.test import Client
from django.urls import path
from rest_framework.authentication import SessionAuthentication
from rest_framework.exceptions import APIException
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView, exception_handler

from accounts.authentication import ApiKeyAuthentication, TokenAuthentication
from accounts.models import ApiToken, Scope, User
from accounts.permissions import HasScope, scope_for
from accounts.services import tokens

pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]


class Answering(APIView):
    """Returns the authenticated user."""

    authentication_classes = (TokenAuthentication, ApiKeyAuthentication, SessionAuthentication)
    permission_classes = (IsAuthenticated, HasScope)
    required_scope: ClassVar[Any] = {"GET": "read", "POST": "submit", "DELETE": "delete"}

    def get(self, request: Request) -> Response:
        by = request.auth.name if isinstance(request.auth, ApiToken) else ""
        return Response({"user": request.user.email, "token": by})

    post = put = delete = get

    def get_exception_handler(self) -> Callable[..., Response | None]:
        return handled


def handled(error: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's response plus the code; the site's error handlers have their own tests."""
    answer: Response | None = exception_handler(error, context)
    if answer is not None and isinstance(error, APIException):
        answer.data["code"] = error.get_codes()
    return answer


class Hooks(Answering):
    required_scope = "webhooks"


class Silent(Answering):
    required_scope = None


urlpatterns = [
    path("answer/", Answering.as_view()),
    path("hooks/", Hooks.as_view()),
    path("silent/", Silent.as_view()),
]


@pytest.fixture
def secret(user: User) -> str:
    return tokens.create(user, "script", ["read", "submit"])[1]


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": "Token {}"},
        {"Authorization": "Bearer {}"},
        {"Authorization": "bearer   {} "},
        {"Authorization": "TOKEN {}"},
        {"X-Api-Key": "{}"},
        {"X-API-KEY": " {} "},
    ],
)
def test_headers_that_authenticate(client: Client, user: User, secret: str, headers: dict[str, str]) -> None:
    sent = {name: value.format(secret) for name, value in headers.items()}
    answer = client.get("/answer/", headers=sent)
    assert (answer.status_code, answer.json()) == (200, {"user": user.email, "token": "script"})


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "{}"},
        {"Authorization": "Basic {}"},
        {"X-Api-Key": ""},
        {"Cookie": "token={}"},
    ],
)
def test_a_header_without_our_token_is_anonymous(
    client: Client, secret: str, headers: dict[str, str]
) -> None:
    sent = {name: value.format(secret) for name, value in headers.items()}
    answer = client.get("/answer/", headers=sent)
    assert answer.status_code == 401
    assert answer["WWW-Authenticate"] == "Token"


def test_a_secret_in_the_url_does_not_authenticate(client: Client, secret: str) -> None:
    for name in ("token", "api_key", "access_token", "Authorization"):
        assert client.get("/answer/", {name: secret}).status_code == 401


@pytest.mark.parametrize(
    "headers", [{"Authorization": "Token nonsense"}, {"Authorization": "Token"}, {"X-Api-Key": "nonsense"}]
)
def test_a_wrong_token_gets_a_specific_error(client: Client, headers: dict[str, str]) -> None:
    answer = client.get("/answer/", headers=headers)
    assert answer.status_code == 401
    assert "This token is unknown" in str(answer.content)


def test_each_refusal_has_its_own_code(client: Client, user: User, make_user: Callable[..., User]) -> None:
    token, secret = tokens.create(user, "script", ["read"], allowed_addresses=["192.0.2.0/24"])
    headers = {"X-Api-Key": secret}
    wrong_place = client.get("/answer/", headers=headers)
    assert (wrong_place.status_code, wrong_place.json()["code"]) == (403, "address_not_allowed")
    assert client.get("/answer/", headers=headers, REMOTE_ADDR="192.0.2.200").status_code == 200
    tokens.revoke(token)
    revoked = client.get("/answer/", headers=headers, REMOTE_ADDR="192.0.2.200")
    assert (revoked.status_code, revoked.json()["code"]) == (401, "revoked_token")
    other = make_user(is_active=False)
    closed = client.get("/answer/", headers={"X-Api-Key": tokens.create(other, "x", ["read"])[1]})
    assert (closed.status_code, closed.json()["code"]) == (401, "account_closed")


def test_behind_a_proxy_the_clients_address_counts(client: Client, user: User, settings: Any) -> None:
    settings.BEHIND_PROXY = True
    token, secret = tokens.create(user, "script", ["read"], allowed_addresses=["192.0.2.0/24"])
    headers = {"X-Api-Key": secret, "X-Forwarded-For": "192.0.2.1, 198.51.100.9"}
    assert client.get("/answer/", headers=headers).status_code == 403
    headers["X-Forwarded-For"] = "198.51.100.9, 192.0.2.1"
    assert client.get("/answer/", headers=headers).status_code == 200
    token.refresh_from_db()
    assert token.last_used_from == "192.0.2.1"


@pytest.mark.parametrize("scope", Scope.values)
@pytest.mark.parametrize(
    ("method", "address", "needs"),
    [
        ("get", "/answer/", "read"),
        ("head", "/answer/", "read"),
        ("post", "/answer/", "submit"),
        ("delete", "/answer/", "delete"),
        ("put", "/answer/", ""),
        ("get", "/hooks/", "webhooks"),
        ("post", "/hooks/", "webhooks"),
        ("get", "/silent/", ""),
    ],
)
def test_a_token_does_what_its_scope_says(
    client: Client, user: User, scope: str, method: str, address: str, needs: str
) -> None:
    _, secret = tokens.create(user, "script", [scope])
    answer = getattr(client, method)(address, headers={"X-Api-Key": secret})
    assert answer.status_code == (200 if scope == needs else 403)


def test_a_session_has_every_scope_but_needs_the_csrf_token(
    user: User, client_of: Callable[[User], Client]
) -> None:
    browser = client_of(user)
    for address in ("/answer/", "/hooks/", "/silent/"):
        for method in ("get", "post", "delete"):
            assert getattr(browser, method)(address).status_code == 200
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(user, backend="accounts.backends.AuthenticationBackend")
    assert strict.post("/answer/").status_code == 403


def test_a_token_needs_no_csrf_token_and_overrides_the_session(
    user: User, stranger: User, secret: str
) -> None:
    both = Client(enforce_csrf_checks=True)
    both.force_login(stranger, backend="accounts.backends.AuthenticationBackend")
    answer = both.post("/answer/", headers={"X-Api-Key": secret})
    assert (answer.status_code, answer.json()["user"]) == (200, user.email)


def test_an_unknown_scope_allows_nothing() -> None:
    view = type("View", (), {"required_scope": "everything"})()
    assert scope_for(view, "GET") is None


def test_head_and_options_need_the_read_scope() -> None:
    assert [scope_for(Answering(), method) for method in ("HEAD", "OPTIONS", "PATCH")] == [
        "read",
        "read",
        None,
    ]
