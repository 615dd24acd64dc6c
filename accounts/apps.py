from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """User accounts, tokens and quotas."""

    name = "accounts"
    # The admin also lists django-allauth's models, as "Accounts".
    verbose_name = "People"

    def ready(self) -> None:
        from allauth.account.decorators import secure_admin_login
        from django.contrib import admin

        # The admin uses the same sign-in page, with the same rate limits.
        admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]
