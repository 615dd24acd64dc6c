"""A real OpenID Connect provider for tests: canaille, with its people in memory.

`python -m tests.identity_provider PORT CALLBACK` serves it until it is stopped. The address of `eve` is not
verified; those of the others are.
"""

from __future__ import annotations

import subprocess
import sys
import urllib.error
import urllib.request
from types import TracebackType
from typing import Final, Self

from bgplatform.local import ports, process_tree
from tests.waiting import until

CLIENT, SECRET = "bgplatform", "only-for-tests-only-for-tests"
PASSWORD: Final = "the password at the provider"
# By name at the provider: address and full name. Eve entered Ada's address.
PEOPLE: Final = {
    "ada": ("ada@example.org", "Ada Lovelace"),
    "bea": ("bea@example.org", "Bea Bright"),
    "eve": ("ada@example.org", "Eve Elsewhere"),
}


class Provider:
    """The provider as a process of its own."""

    def __init__(self, callback: str) -> None:
        self.port = ports.any_free()
        self._callback = callback
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def issuer(self) -> str:
        """The issuer's address."""
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.identity_provider", str(self.port), self._callback],
            preexec_fn=process_tree.die_with_parent,
        )
        until(self._answers, "the identity provider answers", 60)
        return self

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, "the identity provider ended"
        try:
            # Our own process on the loopback.
            urllib.request.urlopen(f"{self.issuer}/.well-known/openid-configuration", timeout=5).close()  # noqa: S310
        except urllib.error.URLError:
            return False
        return True

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process is not None
        self._process.terminate()
        self._process.wait()


def serve(port: int, callback: str) -> None:
    """Serve the provider on the loopback. It logs warnings only."""
    import logging

    from canaille import create_app
    from canaille.app import models
    from canaille.backends import Backend
    from werkzeug.serving import run_simple

    address = f"127.0.0.1:{port}"
    app = create_app(
        {
            "SECRET_KEY": "only for tests",
            "SERVER_NAME": address,
            "PREFERRED_URL_SCHEME": "http",
            "CANAILLE": {"DATABASE": "memory", "LOGGING": {"version": 1, "root": {"level": "WARNING"}}},
            "CANAILLE_OIDC": {},
        }
    )
    for logger in (app.logger, logging.getLogger("werkzeug")):
        logger.setLevel(logging.WARNING)
    mapping = app.config["CANAILLE_OIDC"]["USERINFO_MAPPING"]
    mapping["EMAIL_VERIFIED"] = "{% if user.user_name != 'eve' %}true{% else %}false{% endif %}"
    with app.app_context():
        for name, (email, full_name) in PEOPLE.items():
            person = models.User(
                user_name=name,
                formatted_name=full_name,
                family_name=full_name.split()[-1],
                emails=[email],
                password=PASSWORD,
            )
            Backend.instance.save(person)
        client = models.Client(
            client_id=CLIENT,
            client_secret=SECRET,
            client_name="bgplatform",
            client_uri="http://127.0.0.1/",
            redirect_uris=[callback],
            grant_types=["authorization_code"],
            response_types=["code"],
            scope=["openid", "profile", "email"],
            token_endpoint_auth_method="client_secret_post",  # the method's name
        )
        Backend.instance.save(client)
        client.audience = [client]
        Backend.instance.save(client)
    run_simple("127.0.0.1", port, app, threaded=True)


if __name__ == "__main__":
    serve(int(sys.argv[1]), sys.argv[2])
