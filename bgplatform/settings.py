"""Every setting of the site, read from the environment once and validated at start-up.

docs/configuration.md explains each variable. An invalid value stops the start with an explanation.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.templatetags.static import static

from bgplatform import oidc, rest
from bgplatform.env import (
    boolean,
    choice,
    database,
    email,
    ensure_folder,
    folder,
    fraction,
    integer,
    names,
    networks,
    optional_secret,
    required,
    secret,
    text,
    time_zone,
    url,
)
from bgplatform.logs import not_a_failed_probe
from bgplatform.s3 import origins, s3_client_config

BASE_DIR = Path(__file__).resolve().parent.parent

# -- Location --------------------------------------------------------------------------------------

DEBUG = boolean("DEBUG", False)
STATE_DIR = folder("BGPLATFORM_STATE", BASE_DIR / "var")
SECRET_KEY = secret(
    "SECRET_KEY", when_missing="insecure-development-key-never-in-production" if DEBUG else None
)
ALLOWED_HOSTS = names("ALLOWED_HOSTS", ["localhost", "127.0.0.1", "[::1]"], like=r"\*|[^/\s@]+")
CSRF_TRUSTED_ORIGINS = names("CSRF_TRUSTED_ORIGINS", [], like=r"https?://[^/\s]+")
# The site's address, for links that are built outside a request: webhooks and e-mails.
SITE_URL = text("SITE_URL", "", like=r"(https?://[^/\s]+)?")
# The path below which the site is served, such as /cutouts; see bgplatform/prefix.py.
PATH_PREFIX = text("PATH_PREFIX", "", like=r"(/[A-Za-z0-9~-][A-Za-z0-9._~-]*)*")
FORCE_SCRIPT_NAME = PATH_PREFIX or None
HTTPS = boolean("HTTPS", False)
BEHIND_PROXY = boolean("BEHIND_PROXY", False)

# Worker, courier and scheduler touch this file while they work; see common/heartbeat.py. Empty: no file.
HEARTBEAT_FILE = text("HEARTBEAT_FILE", "", like=r"(/.+)?")

ROOT_URLCONF = "bgplatform.urls"
ASGI_APPLICATION = "bgplatform.asgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
SITE_NAME = "bgplatform"

# -- Apps and middleware ---------------------------------------------------------------------------

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
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "allauth.usersessions",
    "csp",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "bgplatform",
    "accounts",
    "jobs",
]

MIDDLEWARE = [
    "bgplatform.security_headers.SecurityHeadersMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "bgplatform.cache_control.PrivateMiddleware",
    "bgplatform.content_policy.ContentPolicyMiddleware",
    "bgplatform.content_type.ContentTypeMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    # Inside the middleware that sets Content-Length.
    "bgplatform.error_pages.MethodNotAllowedPageMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "accounts.middleware.PreferencesMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "accounts.last_seen.LastSeenMiddleware",
    "accounts.staff_factor.StaffFactorMiddleware",
    "jobs.middleware.StoreUnavailableMiddleware",
    "jobs.middleware.DeletedMeanwhileMiddleware",
    "jobs.middleware.HiddenMiddleware",
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
                "bgplatform.context_processors.site",
            ],
            "libraries": {"mail": "common.mail_tags"},
        },
    },
]

# -- State: database, Redis, files -----------------------------------------------------------------

DATABASES = {"default": database("DATABASE_URL", f"sqlite:///{STATE_DIR / 'bgplatform.sqlite3'}")}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    ensure_folder(STATE_DIR, "BGPLATFORM_STATE")
    # Tests use a file as well, so that threads and processes meet the same locks as in production.
    DATABASES["default"]["TEST"] = {"NAME": str(STATE_DIR / "test.sqlite3")}
    # Writers wait instead of failing: WAL lets readers proceed, and IMMEDIATE takes the write lock at the
    # start of a transaction, where SQLite can wait for it; in the middle it cannot.
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

# With a bucket the files are in an S3-compatible store; without one, in the state folder.
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

# Larger bodies go to a temporary file, not to memory: many connections may send one at once.
FILE_UPLOAD_MAX_MEMORY_SIZE = 64 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 12_000
# Only authenticated POSTs to these addresses may exceed DATA_UPLOAD_MAX_MEMORY_SIZE.
UPLOAD_ADDRESSES = (
    r"/jobs/",
    r"/uploads/(discard|[0-9a-f-]+/body)/",
    r"/api/v1/(jobs|uploads/[0-9a-f-]+/body|pictures/[0-9a-f-]+/mattes)/",
    r"/v1\.0/(removebg|improve)/?",
    r"/api/remove/?",
)

# -- Accounts --------------------------------------------------------------------------------------

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["accounts.backends.AuthenticationBackend"]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "jobs:studio"
SIGN_UP = choice("SIGN_UP", "open", {"open", "closed", "invitation"})
# How long the link of an invitation works.
INVITATION_DAYS = integer("INVITATION_DAYS", 7, least=1, most=365)
# Single sign-on by OpenID Connect, with one provider. Without an issuer there is none.
OIDC_ISSUER = text("OIDC_ISSUER", "", like=r"(https?://[^\s]+)?")
OIDC_CLIENT_ID = text("OIDC_CLIENT_ID", "")
OIDC_CLIENT_SECRET = text("OIDC_CLIENT_SECRET", "")
oidc.check(OIDC_ISSUER, OIDC_CLIENT_ID, OIDC_CLIENT_SECRET)
OIDC_NAME = text("OIDC_NAME", "", like=r"[^\r\n<>]{0,60}") or oidc.host(OIDC_ISSUER)
# Who of the provider's people gets a new account: by default as SIGN_UP says.
OIDC_SIGN_UP = choice("OIDC_SIGN_UP", SIGN_UP, {"open", "closed", "invitation"})
SOCIALACCOUNT_ADAPTER = "accounts.social_adapter.SocialAccountAdapter"
SOCIALACCOUNT_PROVIDERS = oidc.providers("sso", OIDC_ISSUER, OIDC_CLIENT_ID, OIDC_CLIENT_SECRET, OIDC_NAME)
ACCOUNT_ADAPTER = "accounts.adapter.AccountAdapter"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = choice("EMAIL_VERIFICATION", "mandatory", {"mandatory", "optional", "none"})
# One e-mail address per account. A new one replaces it after confirmation; see docs/decisions/0020.
ACCOUNT_CHANGE_EMAIL = True
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_REAUTHENTICATION_REQUIRED = True
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_FORMS = {
    "signup": "accounts.signing_forms.SignUpForm",
    "reset_password": "accounts.signing_forms.ResetPasswordForm",
    "reset_password_from_key": "accounts.signing_forms.ResetFromKeyForm",
    "change_password": "accounts.signing_forms.ChangePasswordForm",
    "set_password": "accounts.signing_forms.FirstPasswordForm",
}
# Failed sign-ins are counted per client address and account: accounts/adapter.py. Above a limit, e-mails that
# strangers can request are silently not sent: an error would lock the owner out.
ACCOUNT_RATE_LIMITS = {
    "login_failed": "10/m/ip,5/5m/key",
    "reset_password": "20/m/ip",
    "reset_mail": "1/m/key,6/h/key",
    "sign_up_mail": "1/m/key,6/h/key",
    "address_mail": "1/m/key,6/h/key",
    # Mails to one invited address, invitations by one member of staff, and attempts to open a link.
    "invitation_mail": "2/m/key,6/h/key",
    "invite": "300/h/user",
    "invitation_link": "30/m/ip",
    "data_export": "5/h/user",
}
# Second factors. A browser offers passkeys on HTTPS and on localhost only.
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_ADAPTER = "accounts.factor_adapter.FactorAdapter"
MFA_FORMS = {
    "authenticate": "accounts.factor_forms.CodeStepForm",
    "reauthenticate": "accounts.factor_forms.CodeConfirmForm",
    "authenticate_webauthn": "accounts.factor_forms.PasskeyStepForm",
    "reauthenticate_webauthn": "accounts.factor_forms.PasskeyConfirmForm",
    "login_webauthn": "accounts.factor_forms.PasskeySignInForm",
    "add_webauthn": "accounts.factor_forms.AddPasskeyForm",
    "edit_webauthn": "accounts.factor_forms.PasskeyNameForm",
}
# A challenge and its answer are two requests, and an office may share one address.
MFA_RATE_LIMITS = {"webauthn_login": "60/m/ip"}
MFA_RECOVERY_CODES_SHOW_ONCE = True
# Staff reach the admin only with a second factor; see accounts/staff_factor.py.
STAFF_MFA = boolean("STAFF_MFA", HTTPS)
MFA_TOTP_ISSUER = SITE_NAME
# Codes of the half minute before and after are good as well: clocks differ.
MFA_TOTP_TOLERANCE = 1
PASSWORD_HASHERS = [
    "accounts.hashers.Argon2Hasher",
    # Reads hashes of before. They become Argon2 at the next sign-in.
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
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
# How long the audit log keeps its entries.
AUDIT_DAYS = integer("AUDIT_DAYS", 730, least=1, most=36_500)
# How long an account stays closed before it is erased, unless the person chooses at once.
ERASURE_GRACE_DAYS = integer("ERASURE_GRACE_DAYS", 14, least=1, most=365)
# How long an export of an account can be downloaded.
EXPORT_DAYS = integer("EXPORT_DAYS", 7, least=1, most=365)
DEFAULT_FROM_EMAIL = text("MAIL_FROM", f"{SITE_NAME} <no-reply@localhost>", like=r"[^\r\n]*@[^\r\n]*")

# -- Pictures: input limits and processing ---------------------------------------------------------

MODEL = text("MODEL", "u2net", like=r"[a-z0-9][a-z0-9._-]{0,63}")
DEVICE = text("DEVICE", "auto", like=r"auto|cpu|cuda(:[0-9]+)?")
PRECISION = choice("PRECISION", "auto", {"auto", "float32", "bfloat16", "float16", "int8"})
MAX_PICTURE_BYTES = integer("MAX_PICTURE_BYTES", 64 * 2**20, least=1024, most=2**31)
MAX_PICTURE_PIXELS = integer("MAX_PICTURE_PIXELS", 50_000_000, least=1_000, most=500_000_000)
# Limit for a result; one that is no larger than its source is always made. A plan may set a lower limit.
MAX_RESULT_PIXELS = integer("MAX_RESULT_PIXELS", 50_000_000, least=1_000, most=100_000_000)
# A form without JavaScript sends all its pictures in one request.
MAX_REQUEST_BYTES = integer("MAX_REQUEST_BYTES", 2**30, least=2**20, most=2**40)
if MAX_REQUEST_BYTES <= MAX_PICTURE_BYTES:
    raise ImproperlyConfigured(
        "MAX_REQUEST_BYTES must be larger than MAX_PICTURE_BYTES: a form has words, too."
    )
MAX_JOB_PICTURES = integer("MAX_JOB_PICTURES", 5_000, least=1, most=10_000)
DATA_UPLOAD_MAX_NUMBER_FILES = MAX_JOB_PICTURES
# Text in a form or in JSON takes many times its size in memory while it is parsed. The longest legitimate
# text lists the uploads of a job, at 45 bytes each.
DATA_UPLOAD_MAX_MEMORY_SIZE = max(256 * 1024, MAX_JOB_PICTURES * 48 + 16 * 1024)

# A job of at most this many pictures uses the interactive lane.
INTERACTIVE_PICTURES = integer("INTERACTIVE_PICTURES", 5, least=0, most=100)
# Messages of one user in one lane that may be queued or in progress at once.
WINDOW = integer("WINDOW", 8, least=1, most=1_000)
DISPATCH_SECONDS = integer("DISPATCH_SECONDS", 2, least=1, most=60)
# A worker renews its leases every third of this; a picture with an expired lease is dispatched again.
LEASE_SECONDS = integer("LEASE_SECONDS", 20, least=3, most=600)
# A message that was not claimed for this long counts as lost and is sent again.
REDISPATCH_SECONDS = integer("REDISPATCH_SECONDS", 60, least=5, most=3_600)
# Nothing is dispatched for this long after a worker found the file store unavailable.
STORE_PAUSE_SECONDS = integer("STORE_PAUSE_SECONDS", 5, least=1, most=600)
# No upload is accepted if it would leave less than this on the file store's disk: queued work needs the
# space.
STORE_MIN_FREE_BYTES = integer("STORE_MIN_FREE_BYTES", 512 * 2**20, least=0, most=2**50)
MAX_ATTEMPTS = integer("MAX_ATTEMPTS", 3, least=1, most=20)
# A picture that takes longer is handed back; a worker that hangs in native code ends itself.
TASK_SECONDS = integer("TASK_SECONDS", 300, least=1, most=86_400)
UPLOAD_HOURS = integer("UPLOAD_HOURS", 24, least=1, most=720)
# Files of one user that belong to no job: announced, uploaded or refused.
MAX_OPEN_UPLOADS = integer("MAX_OPEN_UPLOADS", 10_000, least=1, most=1_000_000)
# Pages of one user with a live event stream; further ones poll every few seconds.
MAX_EVENT_STREAMS = integer("MAX_EVENT_STREAMS", 32, least=1, most=10_000)
# The longest time that the link of a share may work.
SHARE_MAX_DAYS = integer("SHARE_MAX_DAYS", 365, least=1, most=3_650)
# A file without a database row is deleted at this age.
ORPHAN_HOURS = integer("ORPHAN_HOURS", 24, least=1, most=8_760)
# Sweeps delete nothing by age if the clock advanced further than this since the last one.
SWEEP_MAX_STEP_DAYS = integer("SWEEP_MAX_STEP_DAYS", 10, least=1, most=3_650)

# Private networks that user-supplied URLs may reach all the same.
FETCH_PRIVATE_NETWORKS = networks("FETCH_PRIVATE_NETWORKS", [])
# How long a webhook receiver has to answer, and after how many days without a success it is disabled.
WEBHOOK_SECONDS = integer("WEBHOOK_SECONDS", 20, least=1, most=60)
WEBHOOK_FAILING_DAYS = integer("WEBHOOK_FAILING_DAYS", 5, least=1, most=90)
WEBHOOK_LOG_DAYS = integer("WEBHOOK_LOG_DAYS", 30, least=2, most=3_650)

# What Prometheus sends to read /metrics. Without it only this machine may.
METRICS_TOKEN = optional_secret("METRICS_TOKEN")

# -- Flags for moderators --------------------------------------------------------------------------

# New shares join the queue of moderators. They work meanwhile.
REVIEW_SHARES = boolean("REVIEW_SHARES", True)
# The worker's classifier flags a picture from this score on. Nothing is loaded where it is off.
FLAG_EXPLICIT = fraction("FLAG_EXPLICIT", "off", least=0.01, most=0.99)
# A picture whose perceptual hash differs from a refused one's in at most so many of 64 bits is flagged.
# More than 7 would need more indexes: jobs/selectors/refused_pictures.py.
REFUSED_DISTANCE = integer("REFUSED_DISTANCE", 4, least=0, most=7)
# Sign-ups from one network in an hour, and pictures of a new account in an hour, above which accounts are
# flagged. 0: never.
FLAG_SIGN_UPS_AN_HOUR = integer("FLAG_SIGN_UPS_AN_HOUR", 30, least=0, most=100_000)
FLAG_NEW_PICTURES_AN_HOUR = integer("FLAG_NEW_PICTURES_AN_HOUR", 2_000, least=0, most=10_000_000)
# An account is new for so many days.
NEW_ACCOUNT_DAYS = integer("NEW_ACCOUNT_DAYS", 7, least=1, most=365)

# -- API -------------------------------------------------------------------------------------------

# Requests of one account to /api/v1/, for all its tokens together.
API_REQUESTS_A_MINUTE = integer("API_REQUESTS_A_MINUTE", 600, least=1, most=1_000_000)
# The compatible APIs: how long a call waits for its picture, the default edge refinement, the megapixels that
# an account may send in a minute, and the account of local calls without a token.
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
    # The schema's paths are relative to this.
    **({"SERVERS": [{"url": PATH_PREFIX}]} if PATH_PREFIX else {}),
}

# -- Security --------------------------------------------------------------------------------------

# Whom to tell about a vulnerability: /.well-known/security.txt.
SECURITY_CONTACT = text("SECURITY_CONTACT", "", like=r"(mailto:[^@\s]+@[^@\s]+|https://[^\s]+)?")
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SESSION_COOKIE_PATH = CSRF_COOKIE_PATH = f"{PATH_PREFIX}/"
# Another site on the same host may set cookies of the default name for all paths; they would clash with ours.
SESSION_COOKIE_NAME = "sessionid" + PATH_PREFIX.replace("/", "_")
CSRF_COOKIE_NAME = "csrftoken" + PATH_PREFIX.replace("/", "_")
CSRF_FAILURE_VIEW = "bgplatform.proxy_errors.csrf_failure"
SECURE_SSL_REDIRECT = HTTPS
# Health probes and Prometheus may use plain HTTP, from the same machine.
SECURE_REDIRECT_EXEMPT = [
    rf"^{re.escape(f'{PATH_PREFIX}/'.lstrip('/'))}{probe}$" for probe in ("healthz", "metrics", "readyz")
]
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
# We cannot promise HTTPS for other hosts of the domain: no includeSubDomains, no preload.
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]
if BEHIND_PROXY:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    USE_X_FORWARDED_HOST = True
    # Sign-in attempts are counted by the client's address, not by the proxy's, which all clients share.
    ALLAUTH_TRUSTED_PROXY_COUNT = 1
# Browsers upload to and download from the store directly.
STORE_ORIGINS = origins(S3_PUBLIC_ENDPOINT, S3_BUCKET) if S3_BUCKET else []
CONTENT_SECURITY_POLICY = {
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
# What the admin allows on top; bgplatform/content_policy.py says why.
ADMIN_POLICY = {
    "script-src": ["'unsafe-eval'"],
    "style-src-attr": ["'unsafe-inline'"],
}

# -- Language, time, logs --------------------------------------------------------------------------

LANGUAGE_CODE = "en-gb"
# Browsers that ask for another English get this one.
LANGUAGES = [("en-gb", "English")]
TIME_ZONE = time_zone("TIME_ZONE", "UTC")
USE_TZ = True
USE_I18N = True

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"}},
    "filters": {"worth": {"()": "django.utils.log.CallbackFilter", "callback": not_a_failed_probe}},
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
}
