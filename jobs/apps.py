from django.apps import AppConfig


class JobsConfig(AppConfig):
    """What you asked for."""

    name = "jobs"

    def ready(self) -> None:
        from accounts import in_flight, reserved
        from accounts.services import sessions
        from jobs import events, selectors

        in_flight.count_by(selectors.in_flight_of)
        reserved.count_by(selectors.reserved_of)
        sessions.when_one_ends(events.tell_sessions)
