from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """User accounts, tokens and quotas."""

    name = "accounts"
    # The admin also lists django-allauth's models, as "Accounts".
    verbose_name = "People"

    def ready(self) -> None:
        from allauth.account import signals
        from allauth.account.decorators import secure_admin_login
        from allauth.usersessions.signals import on_password_changed, on_user_logged_in
        from django.contrib import admin

        # The admin uses the same sign-in page, with the same rate limits.
        admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]
        # services/sessions.py keeps the list of sessions, without a query for each of a person's sessions.
        signals.user_logged_in.disconnect(on_user_logged_in)
        for signal in (signals.password_changed, signals.password_set):
            signal.disconnect(on_password_changed)
