"""`manage.py prepare_store`: creates the bucket if it is missing, and sets its CORS rule."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from django.conf import settings
from django.core.files.storage import default_storage
from django.core.management.base import BaseCommand, CommandError

# Answers of stores that have no CORS configuration: they allow every origin by themselves.
NO_CORS = {"NotImplemented", "MethodNotAllowed", "501", "405"}


class Command(BaseCommand):
    """Safe to run at every start: an existing bucket is left as it is, but for its CORS rule."""

    help = "Create the S3 bucket if it is missing, and allow browsers of this site to use it (CORS)."

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.S3_BUCKET:
            self.stdout.write("Files are in the state folder: nothing to prepare.")
            return
        client, bucket = default_storage.connection.meta.client, settings.S3_BUCKET  # type: ignore[attr-defined]
        try:
            self._create(client, bucket)
            self._allow(client, bucket)
        except (BotoCoreError, ClientError) as error:
            raise CommandError(f"The store at {settings.S3_ENDPOINT} refused: {error}") from error

    def _create(self, client: Any, bucket: str) -> None:
        try:
            client.head_bucket(Bucket=bucket)
        except ClientError as error:
            if error.response["Error"]["Code"] not in {"404", "NoSuchBucket", "NotFound"}:
                raise
            client.create_bucket(Bucket=bucket)
            self.stdout.write(f"Created the bucket {bucket}.")
        else:
            self.stdout.write(f"The bucket {bucket} exists.")

    def _allow(self, client: Any, bucket: str) -> None:
        if not settings.SITE_URL:
            self.stdout.write("SITE_URL is not set: the CORS rule stays as it is.")
            return
        rule = {
            "AllowedOrigins": [settings.SITE_URL],
            "AllowedMethods": ["GET", "HEAD", "POST"],
            "AllowedHeaders": ["*"],
            "MaxAgeSeconds": 3600,
        }
        try:
            client.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": [rule]})
        except ClientError as error:
            if error.response["Error"]["Code"] not in NO_CORS:
                raise
            self.stdout.write("The store has no CORS configuration.")
        else:
            self.stdout.write(f"Browsers of {settings.SITE_URL} may use the bucket.")
