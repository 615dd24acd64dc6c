"""URLs of second factors and sessions that replace django-allauth's, under its names."""

from django.contrib.auth.decorators import login_required
from django.urls import path
from django.views.generic import RedirectView

from accounts.views import factors, sessions

urlpatterns = [
    path("2fa/", factors.OverviewView.as_view(), name="mfa_index"),
    path("2fa/authenticate/", factors.SecondStepView.as_view(), name="mfa_authenticate"),
    path("2fa/totp/activate/", factors.AddAppView.as_view(), name="mfa_activate_totp"),
    path("2fa/totp/deactivate/", factors.RemoveAppView.as_view(), name="mfa_deactivate_totp"),
    path("2fa/recovery-codes/generate/", factors.MakeCodesView.as_view(), name="mfa_generate_recovery_codes"),
    path(
        "2fa/webauthn/",
        login_required(RedirectView.as_view(pattern_name="mfa_index")),
        name="mfa_list_webauthn",
    ),
    path("sessions/", sessions.sessions, name="usersessions_list"),
    path("2fa/webauthn/add/", factors.AddPasskeyView.as_view(), name="mfa_add_webauthn"),
    path(
        "2fa/webauthn/reauthenticate/",
        factors.ConfirmPasskeyView.as_view(),
        name="mfa_reauthenticate_webauthn",
    ),
    path("2fa/webauthn/keys/<int:pk>/edit/", factors.RenamePasskeyView.as_view(), name="mfa_edit_webauthn"),
    path(
        "2fa/webauthn/keys/<int:pk>/remove/", factors.RemovePasskeyView.as_view(), name="mfa_remove_webauthn"
    ),
]
