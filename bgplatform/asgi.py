"""The web process: `uvicorn bgplatform.asgi:application`."""

import os
import warnings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bgplatform.settings")

from bgplatform.handler import get_application  # reads the settings

# WhiteNoise serves static files as synchronous iterators. That is harmless: the files are small and browsers
# cache them. An operator cannot act on the warning, so it is silenced.
warnings.filterwarnings("ignore", message="StreamingHttpResponse must consume synchronous iterators")

django_application = get_application()

from django.conf import settings  # noqa: E402  # there are settings only now

from bgplatform.body_limit import BodyLimit  # noqa: E402
from bgplatform.content_type import ContentType  # noqa: E402
from bgplatform.credentials import account_of  # noqa: E402
from bgplatform.disk_full import DiskFullResponse  # noqa: E402
from bgplatform.fast_path import FastPath  # noqa: E402
from bgplatform.large_bodies import LargeBodies  # noqa: E402
from bgplatform.prefix import restore_prefix, strip_prefix  # noqa: E402
from jobs.compat import body, urls  # noqa: E402

site = restore_prefix(django_application, settings.PATH_PREFIX)
fast_path = FastPath(ContentType(site), urls.is_ours, urls.view_of, body.max_body_bytes(), urls.error_format)
large_bodies = LargeBodies(
    fast_path,
    small=settings.DATA_UPLOAD_MAX_MEMORY_SIZE,
    uploads=settings.UPLOAD_ADDRESSES,
    find_account=account_of,
    own_forms=urls.is_ours,
    error_format=urls.error_format,
)
limited = BodyLimit(
    DiskFullResponse(large_bodies, urls.error_format), settings.MAX_REQUEST_BYTES, urls.error_format
)
application = strip_prefix(limited, settings.PATH_PREFIX)
