from django.apps import AppConfig
from django.core import checks


class SiteConfig(AppConfig):
    """Sets the Dramatiq broker before any actor is declared."""

    name = "bgplatform"

    def ready(self) -> None:
        import bgplatform.broker  # noqa: F401  # importing it sets Dramatiq's broker
        from bgplatform.prefix import check_prefix

        checks.register(check_prefix, checks.Tags.urls)
