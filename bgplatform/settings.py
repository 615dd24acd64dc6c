"""Every setting of the site, read from the environment once and checked at start.

docs/configuration.md explains each variable. A wrong value stops the start with a sentence.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.templatetags.static import static

from bgplatform import rest
from bgplatform.aws import origins, s3_client_config
from bgplatform.env import (
    boolean,
    choice,
    database,
    email,
    folder,
    integer,
    made,
    names,
    networks,
    required,
    secret,
    text,
    time_zone,
    url,
)
from bgplatform.logs import worth_a_line

BASE_DIR = Path(__file__).resolve().parent.parent

# -- Where we run ----------------------------------------------------------------------------------

DEBUG = boolean("DEBUG", False)
STATE_DIR = folder("BGPLATFORM_STATE", BASE_DIR / "var")
SECRET_KEY = secret(
    "SECRET_KEY", when_missing="insecure-development-key-never-in-production" if DEBUG else None
)
ALLOWED_HOSTS = names("ALLOWED_HOSTS", ["localhost", "127.0.0.1", "[::1]"], like=r"\*|[^/\s@]+")
CSRF_TRUSTED_ORIGINS = names("CSRF_TRUSTED_ORIGINS", [], like=r"https?://[^/\s]+")
# Where the site is, for what is written where no request says it: webhooks and mails.
SITE_URL = text("SITE_URL", "", like=r"(https?://[^/\s]+)?")
# The path of the host below which the site is, as /cutouts; bgplatform/prefix.py.
PATH_PREFIX = text("PATH_PREFIX", "", like=r"(/[A-Za-z0-9~-][A-Za-z0-9._~-]*)*")
FORCE_SCRIPT_NAME = PATH_PREFIX or None
HTTPS = boolean("HTTPS", False)
BEHIND_PROXY = boolean("BEHIND_PROXY", False)

ROOT_URLCONF = "bgplatform.urls"
ASGI_APPLICATION = "bgplatform.asgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
SITE_NAME = "bgplatform"

# -- What it is made of ----------------------------------------------------------------------------

INSTALLED_APPS = [
    "unfold",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.humanize",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "csp",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "bgplatform",
    "accounts",
    "jobs",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "bgplatform.caching.PrivateMiddleware",
    "csp.middleware.CSPMiddleware",
    "bgplatform.content_type.ContentTypeMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    # Inside of the one that says how long an answer is.
    "bgplatform.faults.NothingToSeeMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "jobs.middleware.StoreUnavailableMiddleware",
    "jobs.middleware.DeletedMeanwhileMiddleware",
]

TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "bgplatform.context.site",
            ],
        },
    },
]

# -- State: database, Redis, files -----------------------------------------------------------------

DATABASES = {"default": database("DATABASE_URL", f"sqlite:///{STATE_DIR / 'bgplatform.sqlite3'}")}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    made(STATE_DIR, "BGPLATFORM_STATE")
    # Tests use a file, too: threads and processes must meet the locks that production has.
    DATABASES["default"]["TEST"] = {"NAME": str(STATE_DIR / "test.sqlite3")}
    # Writers queue up instead of failing: WAL lets readers pass, IMMEDIATE takes the write lock at the
    # start of a transaction, where waiting is possible, and not in the middle, where it is not.
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 30,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    }
else:
    DATABASES["default"].setdefault("OPTIONS", {}).setdefault("connect_timeout", 10)
    DATABASES["default"]["CONN_MAX_AGE"] = 60
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = True

REDIS_URL = url("REDIS_URL", "redis://127.0.0.1:6379/0", {"redis", "rediss", "unix"})
CACHES = {
    "default": {
        "BACKEND": "bgplatform.cache.FallbackRedisCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": "cache",
        "OPTIONS": {"socket_timeout": 5, "socket_connect_timeout": 5},
    }
}
SESSION_ENGINE = "django.contrib.sessions.backends.db"

# A bucket's name puts the files into an S3-compatible store; without one they lie in the state folder.
S3_BUCKET = text("S3_BUCKET", "", like=r"([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])?")
S3_ENDPOINT = url("S3_ENDPOINT", "https://s3.amazonaws.com", {"http", "https"}) if S3_BUCKET else ""
S3_PUBLIC_ENDPOINT = url("S3_PUBLIC_ENDPOINT", S3_ENDPOINT, {"http", "https"}) if S3_BUCKET else ""
STORAGES: dict[str, dict[str, Any]] = {
    "default": {
        "BACKEND": "storages.backends.s3.S3Storage",
        "OPTIONS": {
            "bucket_name": S3_BUCKET,
            "endpoint_url": S3_ENDPOINT,
            "access_key": required("S3_ACCESS_KEY", why="S3_BUCKET is set"),
            "secret_key": required("S3_SECRET_KEY", why="S3_BUCKET is set"),
            "region_name": text("S3_REGION", "us-east-1"),
            "default_acl": None,
            "file_overwrite": True,
            "client_config": s3_client_config(choice("S3_ADDRESSING", "path", {"path", "virtual"})),
        },
    }
    if S3_BUCKET
    else {
        "BACKEND": "jobs.storage.AtomicFileSystemStorage",
        "OPTIONS": {"location": STATE_DIR / "files"},
    },
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "bgplatform.static.HashedModulesStorage"
    },
}
STATIC_URL = f"{PATH_PREFIX}/static/"
STATIC_ROOT = STATE_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
WHITENOISE_USE_FINDERS = DEBUG

# Bodies above this go to a temporary file instead of memory: many connections may send one at once.
FILE_UPLOAD_MAX_MEMORY_SIZE = 64 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 12_000
# Who may send more than DATA_UPLOAD_MAX_MEMORY_SIZE: POSTs to these addresses, with credentials.
UPLOAD_ADDRESSES = (
    r"/jobs/",
    r"/uploads/(discard|[0-9a-f-]+/body)/",
    r"/api/v1/(jobs|uploads/[0-9a-f-]+/body|pictures/[0-9a-f-]+/mattes)/",
    r"/v1\.0/(removebg|improve)/?",
    r"/api/remove/?",
)

# -- People ----------------------------------------------------------------------------------------

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "jobs:studio"
SIGN_UP = choice("SIGN_UP", "open", {"open", "closed"})
ACCOUNT_ADAPTER = "accounts.adapter.AccountAdapter"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = choice("EMAIL_VERIFICATION", "mandatory", {"mandatory", "optional", "none"})
# One address to an account. The new one replaces it once it is confirmed; see docs/decisions/0020.
ACCOUNT_CHANGE_EMAIL = True
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_REAUTHENTICATION_REQUIRED = True
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_FORMS = {
    "signup": "accounts.signing_forms.SignUpForm",
    "reset_password": "accounts.signing_forms.ResetPasswordForm",
    "reset_password_from_key": "accounts.signing_forms.ResetFromKeyForm",
    "change_password": "accounts.signing_forms.ChangePasswordForm",
}
# The key of a failed sign-in is client address and account together: accounts/adapter.py. Mails that
# strangers can ask for are left out in silence above a limit: a refusal would shut the owner out.
ACCOUNT_RATE_LIMITS = {
    "login_failed": "10/m/ip,5/5m/key",
    "reset_password": "20/m/ip",
    "reset_mail": "1/m/key,6/h/key",
    "sign_up_mail": "1/m/key,6/h/key",
    "address_mail": "1/m/key,6/h/key",
}
ACCOUNT_EMAIL_SUBJECT_PREFIX = f"[{SITE_NAME}] "
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
vars().update(email("EMAIL_URL", "consolemail://"))
DEFAULT_FROM_EMAIL = text("MAIL_FROM", f"{SITE_NAME} <no-reply@localhost>", like=r"[^\r\n]*@[^\r\n]*")

# -- Pictures: what is taken, how it is worked on --------------------------------------------------

MODEL = text("MODEL", "u2net", like=r"[a-z0-9][a-z0-9._-]{0,63}")
DEVICE = text("DEVICE", "auto", like=r"auto|cpu|cuda(:[0-9]+)?")
PRECISION = choice("PRECISION", "auto", {"auto", "float32", "bfloat16", "float16", "int8"})
MAX_PICTURE_BYTES = integer("MAX_PICTURE_BYTES", 64 * 2**20, least=1024, most=2**31)
MAX_PICTURE_PIXELS = integer("MAX_PICTURE_PIXELS", 50_000_000, least=1_000, most=500_000_000)
# Of a result; one that is no larger than its source is made anyway. A plan may allow less.
MAX_RESULT_PIXELS = integer("MAX_RESULT_PIXELS", 50_000_000, least=1_000, most=100_000_000)
# A form without script sends all its pictures at once.
MAX_REQUEST_BYTES = integer("MAX_REQUEST_BYTES", 2**30, least=2**20, most=2**40)
if MAX_REQUEST_BYTES <= MAX_PICTURE_BYTES:
    raise ImproperlyConfigured(
        "MAX_REQUEST_BYTES must be larger than MAX_PICTURE_BYTES: a form has words, too."
    )
MAX_JOB_PICTURES = integer("MAX_JOB_PICTURES", 5_000, least=1, most=10_000)
DATA_UPLOAD_MAX_NUMBER_FILES = MAX_JOB_PICTURES
# Text in a form or in JSON costs many times its size while it is parsed. The longest that there is names the
# uploads of a job, at 45 bytes each.
DATA_UPLOAD_MAX_MEMORY_SIZE = max(256 * 1024, MAX_JOB_PICTURES * 48 + 16 * 1024)

# A job of at most this many pictures goes through the lane for people who sit and wait.
INTERACTIVE_PICTURES = integer("INTERACTIVE_PICTURES", 5, least=0, most=100)
# Messages of one user in one lane that may be with the broker or a worker at once.
WINDOW = integer("WINDOW", 8, least=1, most=1_000)
DISPATCH_SECONDS = integer("DISPATCH_SECONDS", 2, least=1, most=60)
# A worker renews its leases every third of this; a picture whose lease lapsed is given out again.
LEASE_SECONDS = integer("LEASE_SECONDS", 20, least=3, most=600)
# A message that nobody claimed for so long is taken for lost and sent again.
REDISPATCH_SECONDS = integer("REDISPATCH_SECONDS", 60, least=5, most=3_600)
# Nothing is given out for so long after a worker found the file store away.
STORE_PAUSE_SECONDS = integer("STORE_PAUSE_SECONDS", 5, least=1, most=600)
# No upload is taken where less would stay free on the file store's disk: work in hand needs it for results.
STORE_MIN_FREE_BYTES = integer("STORE_MIN_FREE_BYTES", 512 * 2**20, least=0, most=2**50)
MAX_ATTEMPTS = integer("MAX_ATTEMPTS", 3, least=1, most=20)
# A picture that is worked on for longer is handed back; a worker that hangs in native code ends itself.
TASK_SECONDS = integer("TASK_SECONDS", 300, least=1, most=86_400)
UPLOAD_HOURS = integer("UPLOAD_HOURS", 24, least=1, most=720)
# Files of one user that are in no job: announced, sent or refused.
MAX_OPEN_UPLOADS = integer("MAX_OPEN_UPLOADS", 10_000, least=1, most=1_000_000)
# Pages of one user that listen to a job at once; more ask every few seconds instead.
MAX_EVENT_STREAMS = integer("MAX_EVENT_STREAMS", 32, least=1, most=10_000)
# A file that no row names is deleted once it is so old.
ORPHAN_HOURS = integer("ORPHAN_HOURS", 24, least=1, most=8_760)
# Sweeps delete nothing by its age where the clock went further than that since the last one.
SWEEP_MAX_STEP_DAYS = integer("SWEEP_MAX_STEP_DAYS", 10, least=1, most=3_650)

# Networks that are not the internet's, and into which the addresses that users give may lead all the same.
FETCH_PRIVATE_NETWORKS = networks("FETCH_PRIVATE_NETWORKS", [])
# A webhook's receiver has so long to answer, and is no longer told after so many days without a success.
WEBHOOK_SECONDS = integer("WEBHOOK_SECONDS", 20, least=1, most=60)
WEBHOOK_FAILING_DAYS = integer("WEBHOOK_FAILING_DAYS", 5, least=1, most=90)
WEBHOOK_LOG_DAYS = integer("WEBHOOK_LOG_DAYS", 30, least=2, most=3_650)

# -- Programs --------------------------------------------------------------------------------------

# Requests of one account to /api/v1/, whatever token they come with.
API_REQUESTS_A_MINUTE = integer("API_REQUESTS_A_MINUTE", 600, least=1, most=1_000_000)
# The compatible APIs: how long a call waits for its picture, how edges are made unless a call says it, how
# many megapixels an account may send in a minute, and whose are the calls of this machine without a token.
SYNC_SECONDS = integer("SYNC_SECONDS", 55, least=1, most=3_600)
COMPAT_REFINE = choice("COMPAT_REFINE", "fast", {"off", "fast", "best"})
COMPAT_MEGAPIXELS_A_MINUTE = integer("COMPAT_MEGAPIXELS_A_MINUTE", 500, least=1, most=10**9)
REMBG_API_LOCAL = text("REMBG_API_LOCAL", "", like=r"([^@\s]+@[^@\s]+)?").lower()
if REMBG_API_LOCAL and BEHIND_PROXY:
    raise ImproperlyConfigured(
        "REMBG_API_LOCAL and BEHIND_PROXY cannot be together: to the web everybody comes from the proxy."
    )
REST_FRAMEWORK = rest.REST_FRAMEWORK
SPECTACULAR_SETTINGS = {
    **rest.SPECTACULAR_SETTINGS,
    # The schema's paths begin below this.
    **({"SERVERS": [{"url": PATH_PREFIX}]} if PATH_PREFIX else {}),
}

# -- Safety ----------------------------------------------------------------------------------------

SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SESSION_COOKIE_PATH = CSRF_COOKIE_PATH = f"{PATH_PREFIX}/"
# Another site on the same host has cookies for all of it: under one name its cookies would be taken for ours.
SESSION_COOKIE_NAME = "sessionid" + PATH_PREFIX.replace("/", "_")
CSRF_COOKIE_NAME = "csrftoken" + PATH_PREFIX.replace("/", "_")
CSRF_FAILURE_VIEW = "bgplatform.refused.csrf_failure"
SECURE_SSL_REDIRECT = HTTPS
# Probes come by plain HTTP, from beside the process.
SECURE_REDIRECT_EXEMPT = [
    rf"^{re.escape(f'{PATH_PREFIX}/'.lstrip('/'))}{probe}$" for probe in ("healthz", "readyz")
]
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
# Whether other names under our domain speak HTTPS is not ours to promise: no subdomains, no preload.
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]
if BEHIND_PROXY:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    USE_X_FORWARDED_HOST = True
    # Sign-in attempts are counted by address: the client's, not the proxy's, which is everybody's.
    ALLAUTH_TRUSTED_PROXY_COUNT = 1
# Browsers send and fetch files straight from the store.
STORE_ORIGINS = origins(S3_PUBLIC_ENDPOINT, S3_BUCKET) if S3_BUCKET else []
CONTENT_SECURITY_POLICY = {
    # The admin's own scripts (Alpine) need eval; it is for staff only and shows no text of strangers as HTML.
    "EXCLUDE_URL_PREFIXES": ("/admin/",),
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "img-src": ["'self'", "blob:", "data:", *STORE_ORIGINS],
        "connect-src": ["'self'", *STORE_ORIGINS],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "object-src": ["'none'"],
        "base-uri": ["'none'"],
        "form-action": ["'self'"],
        "frame-ancestors": ["'none'"],
    },
}

# -- Words, time, logs -----------------------------------------------------------------------------

LANGUAGE_CODE = "en-gb"
TIME_ZONE = time_zone("TIME_ZONE", "UTC")
USE_TZ = True
USE_I18N = True

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"}},
    "filters": {"worth": {"()": "django.utils.log.CallbackFilter", "callback": worth_a_line}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["worth"]}},
    "root": {
        "handlers": ["console"],
        "level": choice("LOG_LEVEL", "INFO", {"DEBUG", "INFO", "WARNING", "ERROR"}),
    },
}

UNFOLD = {
    "SITE_TITLE": SITE_NAME,
    "SITE_HEADER": SITE_NAME,
    "SITE_URL": f"{PATH_PREFIX}/",
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": lambda _: static("img/mark.svg")}],
    "STYLES": [lambda _: static("css/admin.css")],
    # The site's green, from light to dark.
    "COLORS": {
        "primary": {
            "50": "oklch(97% .02 155)",
            "100": "oklch(94% .05 155)",
            "200": "oklch(89% .08 155)",
            "300": "oklch(82% .12 154)",
            "400": "oklch(72% .15 153)",
            "500": "oklch(61% .15 152)",
            "600": "oklch(51% .13 152)",
            "700": "oklch(44% .11 152)",
            "800": "oklch(37% .09 152)",
            "900": "oklch(31% .07 152)",
            "950": "oklch(24% .05 152)",
        }
    },
}
