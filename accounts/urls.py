"""Addresses of the account that are ours; signing in, passwords and the like are django-allauth's."""

from django.urls import path

from accounts.views import tokens, usage

app_name = "accounts"

urlpatterns = [
    path("tokens/", tokens.tokens, name="tokens"),
    path("tokens/<int:token_id>/rotate/", tokens.rotate, name="token_rotate"),
    path("tokens/<int:token_id>/revoke/", tokens.revoke, name="token_revoke"),
    path("usage/", usage.usage, name="usage"),
]
