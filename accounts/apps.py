from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """Who you are."""

    name = "accounts"
    # django-allauth's addresses stand beside it in the administration as "Accounts".
    verbose_name = "People"

    def ready(self) -> None:
        from allauth.account.decorators import secure_admin_login
        from django.contrib import admin

        # One door for everyone: the admin asks for the same sign-in, with the same rate limits.
        admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]
