"""The web process: `uvicorn bgplatform.asgi:application`."""

import os
import warnings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bgplatform.settings")

from bgplatform.handler import get_application  # it reads the settings

# WhiteNoise hands static files over as synchronous iterators, which is well: they are small, and browsers
# keep them. Whoever runs the site can do nothing about it, and it would stand among the processes' messages.
warnings.filterwarnings("ignore", message="StreamingHttpResponse must consume synchronous iterators")

django_application = get_application()

from django.conf import settings  # noqa: E402  # there are settings only now

from bgplatform.body_limit import BodyLimit  # noqa: E402
from bgplatform.content_type import ContentType  # noqa: E402
from bgplatform.credentials import known  # noqa: E402
from bgplatform.fast_path import FastPath  # noqa: E402
from bgplatform.large_bodies import LargeBodies  # noqa: E402
from bgplatform.no_room import DiskFullResponse  # noqa: E402
from bgplatform.prefix import put_back, take_off  # noqa: E402
from jobs.compat import body, urls  # noqa: E402

site = put_back(django_application, settings.PATH_PREFIX)
door = FastPath(ContentType(site), urls.is_ours, urls.view_of, body.most(), urls.words)
large_bodies = LargeBodies(
    door,
    small=settings.DATA_UPLOAD_MAX_MEMORY_SIZE,
    uploads=settings.UPLOAD_ADDRESSES,
    known=known,
    own_forms=urls.is_ours,
    words=urls.words,
)
limited = BodyLimit(DiskFullResponse(large_bodies, urls.words), settings.MAX_REQUEST_BYTES, urls.words)
application = take_off(limited, settings.PATH_PREFIX)
