from django.apps import AppConfig


class JobsConfig(AppConfig):
    """The jobs app: uploads, jobs, pictures, renditions and webhooks."""

    name = "jobs"

    def ready(self) -> None:
        from accounts import in_flight, reserved
        from accounts.services import sessions
        from jobs import events, selectors

        in_flight.register_counter(selectors.in_flight_of)
        reserved.register_counter(selectors.reserved_of)
        sessions.on_session_end(events.publish_session_end)
