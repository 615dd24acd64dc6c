from django.apps import AppConfig
from django.db.models.signals import post_migrate


class JobsConfig(AppConfig):
    """The jobs app: uploads, jobs, pictures, renditions and webhooks."""

    name = "jobs"

    def ready(self) -> None:
        from accounts import in_flight, reserved
        from accounts.services import sessions, suspension
        from jobs import events, selectors
        from jobs.moderation import links, roles
        from jobs.moderation.services import stopping

        in_flight.register_counter(selectors.in_flight_of)
        reserved.register_counter(selectors.reserved_of)
        sessions.on_session_end(events.publish_session_end)
        suspension.on_suspension(stopping.stop_work)
        suspension.register_explanation(links.path_of_suspension)
        post_migrate.connect(roles.give_permissions, dispatch_uid="jobs.moderation.roles")
