"""The account's own URLs; django-allauth has those for signing in, passwords and the like."""

from django.urls import path

from accounts.views import activity, invitations, keep, profile, sessions, sign_up, tokens, usage

app_name = "accounts"

urlpatterns = [
    path("tokens/", tokens.tokens, name="tokens"),
    path("tokens/<int:token_id>/rotate/", tokens.rotate, name="token_rotate"),
    path("tokens/<int:token_id>/revoke/", tokens.revoke, name="token_revoke"),
    path("signup/confirm/<str:key>/", sign_up.confirm, name="sign_up_confirm"),
    path("invitation/<str:key>/", invitations.invitation, name="invitation"),
    path("sessions/end-others/", sessions.end_others, name="sessions_end_others"),
    path("sessions/<int:number>/end/", sessions.end, name="session_end"),
    path("profile/", profile.profile, name="profile"),
    path("keep/", keep.keep, name="keep"),
    path("activity/", activity.activity, name="activity"),
    path("usage/", usage.usage, name="usage"),
]
