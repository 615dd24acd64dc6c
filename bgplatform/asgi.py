"""The web process: `uvicorn bgplatform.asgi:application`."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bgplatform.settings")

django_application = get_asgi_application()

from django.conf import settings  # noqa: E402  # there are settings only now

from bgplatform.body_limit import BodyLimit  # noqa: E402

application = BodyLimit(django_application, settings.MAX_REQUEST_BYTES)
