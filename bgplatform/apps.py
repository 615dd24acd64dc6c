from django.apps import AppConfig


class SiteConfig(AppConfig):
    """The site itself: chooses the broker before any actor is declared on it."""

    name = "bgplatform"

    def ready(self) -> None:
        import bgplatform.broker  # noqa: F401  # importing it sets Dramatiq's broker
