"""REST framework and API schema settings, for settings.py."""

from __future__ import annotations

from typing import Any

REST_FRAMEWORK: dict[str, Any] = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "accounts.authentication.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["accounts.permissions.HasScope"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_METADATA_CLASS": None,
    "DEFAULT_SCHEMA_CLASS": "jobs.api.schema.Schema",
    # jobs/api/base.py sets the rest for the views of /api/v1/.
}

SPECTACULAR_SETTINGS: dict[str, Any] = {
    "TITLE": "bgplatform",
    "DESCRIPTION": (
        "Remove the background of pictures, one or thousands. Send `Authorization: Token SECRET` with every "
        "request; tokens are made on the account's page. Errors have a `code` for programs, a `sentence` for "
        "people and, where one is to blame, the `field`."
    ),
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SERVE_AUTHENTICATION": [],
    "SERVE_URLCONF": "jobs.api.site_urls",
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "SWAGGER_UI_SETTINGS": {"deepLinking": True, "persistAuthorization": False, "validatorUrl": None},
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "ENUM_NAME_OVERRIDES": {
        "UploadState": "jobs.models.Upload.State",
        "PictureState": "jobs.models.Picture.State",
        "JobState": "jobs.models.Job.State",
        "JobOrigin": "jobs.models.Job.Origin",
        "MatteOrigin": "jobs.models.Matte.Origin",
        "RenditionState": ["queued", "running", "failed", "done"],
        "UploadMethod": ["POST"],
    },
    "SORT_OPERATIONS": False,
}
