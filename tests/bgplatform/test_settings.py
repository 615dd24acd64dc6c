"""Settings come from the environment only, and a wrong value stops the start with an explanation."""

from __future__ import annotations

import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

ROOT = Path(__file__).resolve().parents[2]
SECRET = "0123456789abcdef0123456789abcdef"


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """Returns the settings for these variables, plus the required ones."""
    for name in ("DEBUG", "REDIS_URL", "DATABASE_URL", "MODEL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("BGPLATFORM_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("SECRET_KEY", SECRET)

    def run(**variables: str | None) -> dict[str, Any]:
        for name, value in variables.items():
            if value is None:
                monkeypatch.delenv(name)
            else:
                monkeypatch.setenv(name, value)
        return runpy.run_path(str(ROOT / "bgplatform" / "settings.py"))

    return run


WRONG: list[tuple[str, str | None, str]] = [
    ("SECRET_KEY", None, "SECRET_KEY is not set: give it 50 random characters, and keep them."),
    ("SECRET_KEY", "", "SECRET_KEY is not set"),
    ("SECRET_KEY", "x" * 31, "SECRET_KEY is too short: give it at least 32 random characters."),
    ("METRICS_TOKEN", "x" * 31, "METRICS_TOKEN is too short: give it at least 32 random characters."),
    ("DEBUG", "maybe", "DEBUG must be true or false, not 'maybe'."),
    ("HTTPS", "", "HTTPS must be true or false, not ''."),
    ("BEHIND_PROXY", "2", "BEHIND_PROXY must be true or false"),
    (
        "BGPLATFORM_STATE",
        "relative/folder",
        "BGPLATFORM_STATE must be an absolute path, not 'relative/folder'.",
    ),
    (
        "BGPLATFORM_STATE",
        "/dev/null/folder",
        "BGPLATFORM_STATE: the folder /dev/null/folder cannot be created",
    ),
    ("ALLOWED_HOSTS", "https://example.org", "ALLOWED_HOSTS cannot hold 'https://example.org'"),
    ("CSRF_TRUSTED_ORIGINS", "example.org", "CSRF_TRUSTED_ORIGINS cannot hold 'example.org'"),
    ("SITE_URL", "cut.example.org", "SITE_URL cannot be 'cut.example.org'"),
    ("SITE_URL", "https://cut.example.org/", "SITE_URL cannot be"),
    ("FETCH_PRIVATE_NETWORKS", "10.0.0.0/8,lan", "FETCH_PRIVATE_NETWORKS cannot hold 'lan'"),
    ("FETCH_PRIVATE_NETWORKS", "10.0.0.1/8", "FETCH_PRIVATE_NETWORKS cannot hold '10.0.0.1/8'"),
    ("WEBHOOK_SECONDS", "0", "WEBHOOK_SECONDS must be between 1 and 60, not 0."),
    ("DATABASE_URL", "garbage", "DATABASE_URL must name a SQLite file"),
    ("DATABASE_URL", "", "DATABASE_URL must name a SQLite file"),
    ("DATABASE_URL", "sqlite://", "DATABASE_URL must name a SQLite file"),
    ("DATABASE_URL", "sqlite://:memory:", "DATABASE_URL must name a SQLite file"),
    ("DATABASE_URL", "mysql://u:p@localhost/db", "DATABASE_URL must name a SQLite file"),
    ("DATABASE_URL", "postgres://u:p@localhost:port/db", "DATABASE_URL must name a SQLite file"),
    ("DATABASE_URL", "postgres://u:p@localhost", "DATABASE_URL must name a SQLite file"),
    (
        "REDIS_URL",
        "localhost:6379",
        "REDIS_URL must be an address that starts with redis:// or rediss:// or unix://",
    ),
    ("REDIS_URL", "redis://localhost:port", "REDIS_URL must be an address"),
    ("REDIS_URL", "redis://", "REDIS_URL must be an address"),
    ("EMAIL_URL", "mail.example.org", "EMAIL_URL must be like smtp+tls://user:password@host:587"),
    ("EMAIL_URL", "smtp://", "EMAIL_URL must be like"),
    ("EMAIL_URL", "smtp://host:port", "EMAIL_URL must be like"),
    ("MAIL_FROM", "nobody", "MAIL_FROM cannot be 'nobody'"),
    ("MAIL_FROM", "a@b\nBcc: c@d", "MAIL_FROM cannot be"),
    ("SIGN_UP", "maybe", "SIGN_UP must be one of closed, invitation, open, not 'maybe'."),
    ("OIDC_ISSUER", "login.example.org", "OIDC_ISSUER cannot be 'login.example.org'"),
    (
        "OIDC_ISSUER",
        "https://login.example.org",
        "OIDC_CLIENT_ID is not set, and it must be because OIDC_ISSUER",
    ),
    ("OIDC_CLIENT_ID", "cut", "OIDC_ISSUER is not set, and it must be because OIDC_CLIENT_ID is set."),
    ("OIDC_CLIENT_SECRET", "x", "OIDC_ISSUER is not set, and it must be because OIDC_CLIENT_SECRET is set."),
    ("OIDC_NAME", "<b>", "OIDC_NAME cannot be '<b>'"),
    ("OIDC_SIGN_UP", "maybe", "OIDC_SIGN_UP must be one of closed, invitation, open, not 'maybe'."),
    ("INVITATION_DAYS", "0", "INVITATION_DAYS must be between 1 and 365, not 0."),
    ("SECURITY_CONTACT", "security@example.org", "SECURITY_CONTACT cannot be"),
    ("SECURITY_CONTACT", "http://example.org/", "SECURITY_CONTACT cannot be"),
    ("EMAIL_VERIFICATION", "yes", "EMAIL_VERIFICATION must be one of mandatory, none, optional, not 'yes'."),
    ("ERASURE_GRACE_DAYS", "0", "ERASURE_GRACE_DAYS must be between 1 and 365, not 0."),
    ("EXPORT_DAYS", "0", "EXPORT_DAYS must be between 1 and 365, not 0."),
    ("MODEL", "U2NET", "MODEL cannot be 'U2NET'"),
    ("MODEL", "../../etc/passwd", "MODEL cannot be"),
    ("DEVICE", "gpu", "DEVICE cannot be 'gpu'"),
    ("PRECISION", "half", "PRECISION must be one of auto, bfloat16, float16, float32, int8, not 'half'."),
    ("MAX_PICTURE_BYTES", "64MB", "MAX_PICTURE_BYTES must be a whole number, not '64MB'."),
    ("MAX_PICTURE_BYTES", "", "MAX_PICTURE_BYTES must be a whole number, not ''."),
    ("MAX_PICTURE_BYTES", "1023", "MAX_PICTURE_BYTES must be between 1024 and 2147483648, not 1023."),
    ("MAX_PICTURE_PIXELS", "1e6", "MAX_PICTURE_PIXELS must be a whole number, not '1e6'."),
    ("MAX_REQUEST_BYTES", "1048576", "MAX_REQUEST_BYTES must be larger than MAX_PICTURE_BYTES"),
    ("MAX_JOB_PICTURES", "0", "MAX_JOB_PICTURES must be between 1 and 10000, not 0."),
    ("INTERACTIVE_PICTURES", "-1", "INTERACTIVE_PICTURES must be between 0 and 100, not -1."),
    ("WINDOW", "9" * 5000, "WINDOW must be a whole number"),
    ("DISPATCH_SECONDS", "0.5", "DISPATCH_SECONDS must be a whole number, not '0.5'."),
    ("LEASE_SECONDS", "2", "LEASE_SECONDS must be between 3 and 600, not 2."),
    ("REDISPATCH_SECONDS", "4", "REDISPATCH_SECONDS must be between 5 and 3600, not 4."),
    ("MAX_ATTEMPTS", "21", "MAX_ATTEMPTS must be between 1 and 20, not 21."),
    ("SHARE_MAX_DAYS", "0", "SHARE_MAX_DAYS must be between 1 and 3650, not 0."),
    ("UPLOAD_HOURS", "0", "UPLOAD_HOURS must be between 1 and 720, not 0."),
    ("REVIEW_SHARES", "maybe", "REVIEW_SHARES"),
    ("FLAG_EXPLICIT", "on", "FLAG_EXPLICIT must be off or between 0.01 and 0.99, not 'on'."),
    ("FLAG_EXPLICIT", "1", "FLAG_EXPLICIT must be off or between 0.01 and 0.99, not '1'."),
    ("FLAG_EXPLICIT", "0.001", "FLAG_EXPLICIT must be off or between 0.01 and 0.99, not '0.001'."),
    ("FLAG_EXPLICIT", "nan", "FLAG_EXPLICIT must be off or between"),
    ("REFUSED_DISTANCE", "8", "REFUSED_DISTANCE must be between 0 and 7, not 8."),
    ("FLAG_SIGN_UPS_AN_HOUR", "-1", "FLAG_SIGN_UPS_AN_HOUR must be between 0 and 100000, not -1."),
    ("FLAG_NEW_PICTURES_AN_HOUR", "many", "FLAG_NEW_PICTURES_AN_HOUR must be a whole number, not 'many'."),
    ("NEW_ACCOUNT_DAYS", "0", "NEW_ACCOUNT_DAYS must be between 1 and 365, not 0."),
    ("HEARTBEAT_FILE", "alive", "HEARTBEAT_FILE cannot be 'alive'"),
    ("TIME_ZONE", "Berlin", "TIME_ZONE must be a time zone such as Europe/Berlin, not 'Berlin'."),
    ("TIME_ZONE", "../../etc/passwd", "TIME_ZONE must be a time zone"),
    ("STAFF_MFA", "maybe", "STAFF_MFA must be true or false, not 'maybe'."),
    ("LOG_LEVEL", "LOUD", "LOG_LEVEL must be one of DEBUG, ERROR, INFO, WARNING, not 'LOUD'."),
    ("S3_BUCKET", "a/b", "S3_BUCKET cannot be 'a/b'"),
    ("S3_BUCKET", "pictures", "S3_ACCESS_KEY is not set, and it must be because S3_BUCKET is set."),
]


@pytest.mark.parametrize(
    ("name", "value", "sentence"), WRONG, ids=[f"{name} {(value or '')[:20]!r}" for name, value, _ in WRONG]
)
def test_a_wrong_value_stops_the_start_with_a_sentence(
    read: Any, name: str, value: str | None, sentence: str
) -> None:
    with pytest.raises(ImproperlyConfigured) as refusal:
        read(**{name: value})
    assert str(refusal.value).startswith(sentence)
    assert str(refusal.value).endswith(".")


def test_defaults_are_a_safe_single_machine(read: Any, tmp_path: Path) -> None:
    found = read()
    assert found["DEBUG"] is False
    assert found["DATABASES"]["default"]["ENGINE"] == "django.db.backends.sqlite3"
    assert found["DATABASES"]["default"]["NAME"] == str(tmp_path / "state" / "bgplatform.sqlite3")
    assert found["DATABASES"]["default"]["OPTIONS"]["transaction_mode"] == "IMMEDIATE"
    assert found["STORAGES"]["default"]["OPTIONS"]["location"] == tmp_path / "state" / "files"
    assert found["ALLOWED_HOSTS"] == ["localhost", "127.0.0.1", "[::1]"]
    assert (found["SESSION_COOKIE_SECURE"], found["SECURE_HSTS_SECONDS"]) == (False, 0)
    assert "SECURE_PROXY_SSL_HEADER" not in found
    assert (tmp_path / "state").is_dir()


def test_staff_need_a_second_factor_where_https_is_on(read: Any) -> None:
    assert read()["STAFF_MFA"] is False
    assert read(HTTPS="true")["STAFF_MFA"] is True
    assert read(HTTPS="true", STAFF_MFA="false")["STAFF_MFA"] is False


def test_https_makes_cookies_and_transport_strict(read: Any) -> None:
    found = read(HTTPS="true")
    assert (found["SESSION_COOKIE_SECURE"], found["CSRF_COOKIE_SECURE"]) == (True, True)
    assert (found["SECURE_SSL_REDIRECT"], found["SECURE_HSTS_SECONDS"]) == (True, 31_536_000)


def test_forwarded_headers_are_trusted_only_behind_a_proxy(read: Any) -> None:
    found = read(BEHIND_PROXY="yes")
    assert found["SECURE_PROXY_SSL_HEADER"] == ("HTTP_X_FORWARDED_PROTO", "https")
    assert found["ALLAUTH_TRUSTED_PROXY_COUNT"] == 1


def test_a_postgresql_url(read: Any) -> None:
    database = read(DATABASE_URL="postgres://ada:p%40ss@db:5433/pictures?sslmode=require")["DATABASES"][
        "default"
    ]
    assert (database["HOST"], database["PORT"], database["NAME"]) == ("db", 5433, "pictures")
    assert (database["USER"], database["PASSWORD"]) == ("ada", "p@ss")
    assert database["OPTIONS"] == {"sslmode": "require", "connect_timeout": 10}
    assert database["CONN_HEALTH_CHECKS"] is True


def test_a_secret_may_begin_with_a_dollar(read: Any) -> None:
    """django-environ would take it for another variable's name."""
    assert read(SECRET_KEY="$" + SECRET)["SECRET_KEY"] == "$" + SECRET


def test_a_value_from_a_file_loses_its_last_line_break_only(read: Any, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(f" {SECRET} \n")
    (tmp_path / "pictures").write_text("7\r\n")
    found = read(
        SECRET_KEY=None,
        SECRET_KEY_FILE=str(tmp_path / "secret"),
        INTERACTIVE_PICTURES_FILE=str(tmp_path / "pictures"),
    )
    assert found["SECRET_KEY"] == f" {SECRET} "
    assert found["INTERACTIVE_PICTURES"] == 7


def test_a_value_and_its_file_together_are_refused(read: Any, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(SECRET)
    with pytest.raises(ImproperlyConfigured) as refusal:
        read(SECRET_KEY_FILE=str(tmp_path / "secret"))
    assert str(refusal.value) == "SECRET_KEY and SECRET_KEY_FILE are both set: remove one of them."


def test_a_file_that_cannot_be_read_stops_the_start(read: Any, tmp_path: Path) -> None:
    with pytest.raises(ImproperlyConfigured) as refusal:
        read(SECRET_KEY=None, SECRET_KEY_FILE=str(tmp_path / "nothing"))
    assert str(refusal.value).startswith(f"SECRET_KEY_FILE: the file {tmp_path / 'nothing'} cannot be read (")


def test_development_needs_no_secret_and_production_never_gets_the_known_one(read: Any) -> None:
    assert read(SECRET_KEY=None, DEBUG="true")["SECRET_KEY"].startswith("insecure-development-key")


def test_lists_are_comma_separated(read: Any) -> None:
    found = read(ALLOWED_HOSTS=" example.org , .example.com,,", CSRF_TRUSTED_ORIGINS="https://example.org")
    assert found["ALLOWED_HOSTS"] == ["example.org", ".example.com"]
    assert found["CSRF_TRUSTED_ORIGINS"] == ["https://example.org"]


def test_the_email_url_configures_the_mail_server(read: Any) -> None:
    found = read(EMAIL_URL="smtp+tls://ada:pw@mail.example.org:587", MAIL_FROM="us <us@example.org>")
    assert (found["EMAIL_HOST"], found["EMAIL_PORT"], found["EMAIL_USE_TLS"]) == (
        "mail.example.org",
        587,
        True,
    )
    assert found["DEFAULT_FROM_EMAIL"] == "us <us@example.org>"


def test_the_web_process_loads_no_engine(tmp_path: Path) -> None:
    """Torch and the like cost seconds and gigabytes that only a worker should spend."""
    program = """
import sys
from bgplatform.asgi import application
from django.urls import get_resolver
from django.core.management import call_command

def walk(patterns):
    for pattern in patterns:
        walk(pattern.url_patterns) if hasattr(pattern, "url_patterns") else pattern.callback

walk(get_resolver().url_patterns)
import jobs.actors, jobs.services.submit, jobs.queue.line, jobs.services.uploads, jobs.services.removal
from segmentation import weights
weights.names()
heavy = {"torch", "openvino", "cv2", "numba", "pymatting", "onnxruntime", "scipy", "pi_heif", "boto3"}
print(sorted(heavy & {name.partition(".")[0] for name in sys.modules}))
"""
    (tmp_path / "static").mkdir()
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env={"SECRET_KEY": SECRET, "BGPLATFORM_STATE": str(tmp_path), "BGPLATFORM_CACHE": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    assert done.stdout == "[]\n"


def test_a_failed_start_prints_the_error(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", "import bgplatform.asgi"],
        cwd=ROOT,
        env={"SECRET_KEY": SECRET, "BGPLATFORM_STATE": str(tmp_path), "WINDOW": "many"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.rstrip().splitlines()[-1] == (
        "django.core.exceptions.ImproperlyConfigured: WINDOW must be a whole number, not 'many'."
    )


SINGLE_SIGN_ON = {"OIDC_CLIENT_ID": "cut", "OIDC_CLIENT_SECRET": "secret"}


def test_single_sign_on_names_the_provider_by_its_host_and_follows_sign_up(read: Any) -> None:
    found = read(OIDC_ISSUER="https://login.example.org/realm/", SIGN_UP="closed", **SINGLE_SIGN_ON)
    assert (found["OIDC_NAME"], found["OIDC_SIGN_UP"]) == ("login.example.org", "closed")
    (app,) = found["SOCIALACCOUNT_PROVIDERS"]["openid_connect"]["APPS"]
    assert (app["client_id"], app["secret"], app["provider_id"]) == ("cut", "secret", "sso")
    assert app["settings"] == {"server_url": "https://login.example.org/realm", "oauth_pkce_enabled": True}
    assert read(OIDC_ISSUER="http://127.0.0.1:5000", **SINGLE_SIGN_ON)["OIDC_NAME"] == "127.0.0.1"


@pytest.mark.parametrize(
    ("issuer", "sentence"),
    [
        ("http://login.example.org", "OIDC_ISSUER must start with https://"),
        ("https://login.example.org/?a=1", "OIDC_ISSUER must be the issuer's address alone"),
        (
            "https://a.example/.well-known/openid-configuration",
            "OIDC_ISSUER must be the issuer's address alone",
        ),
    ],
)
def test_a_wrong_issuer_stops_the_start(read: Any, issuer: str, sentence: str) -> None:
    with pytest.raises(ImproperlyConfigured) as refusal:
        read(OIDC_ISSUER=issuer, **SINGLE_SIGN_ON)
    assert str(refusal.value).startswith(sentence)
