from django.apps import AppConfig


class JobsConfig(AppConfig):
    """What you asked for."""

    name = "jobs"

    def ready(self) -> None:
        from accounts import in_flight, reserved
        from jobs import selectors

        in_flight.count_by(selectors.in_flight_of)
        reserved.count_by(selectors.reserved_of)
