from django.apps import AppConfig


class JobsConfig(AppConfig):
    """What you asked for."""

    name = "jobs"
