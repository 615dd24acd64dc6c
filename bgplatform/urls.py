"""The site's URLs."""

from allauth.account.decorators import reauthentication_required
from allauth.account.views import password_set
from django.contrib import admin
from django.urls import include, path

from accounts.views import SignOutView, emails, single_sign_on
from bgplatform import health, metrics, well_known
from bgplatform.favicon import favicon
from bgplatform.robots import robots

urlpatterns = [
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", metrics.metrics, name="metrics"),
    path("favicon.ico", favicon, name="favicon"),
    path(".well-known/security.txt", well_known.security_txt, name="security_txt"),
    path(".well-known/change-password", well_known.change_password, name="well_known_change_password"),
    path("robots.txt", robots, name="robots"),
    path("admin/", admin.site.urls),
    path("account/logout/", SignOutView.as_view(), name="account_logout"),
    path("account/email/", emails.email, name="account_email"),
    path("account/confirm-email/<str:key>/", emails.confirm, name="account_confirm_email"),
    # Ours instead of django-allauth's.
    path("account/oidc/<str:provider_id>/login/", single_sign_on.begin, name="openid_connect_login"),
    path(
        "account/oidc/<str:provider_id>/login/callback/",
        single_sign_on.callback,
        name="openid_connect_callback",
    ),
    path("account/3rdparty/signup/", single_sign_on.address, name="socialaccount_signup"),
    path("account/3rdparty/", single_sign_on.connections, name="socialaccount_connections"),
    # The first password of an account of single sign-on. A second factor is asked for where there is one.
    path(
        "account/password/set/",
        reauthentication_required(password_set, allow_get=True),
        name="account_set_password",
    ),
    path("account/", include("accounts.urls")),
    path("account/", include("accounts.factor_urls")),
    path("account/", include("allauth.urls")),
    path("", include("jobs.api.site_urls")),
    path("", include("jobs.compat.urls")),
    path("", include("jobs.urls")),
]

handler400 = "bgplatform.proxy_errors.bad_request"
handler500 = "bgplatform.error_pages.server_error"
