"""A real S3-compatible store for tests: SeaweedFS from its wheel, started and stopped by the test."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from uuid import uuid4

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from bgplatform.s3 import s3_client_config

ACCESS, SECRET = "test-key", "test-secret-test-secret"
WEED = Path(sys.executable).with_name("weed")
PORTS = ("master.port", "filer.port", "volume.port", "s3.port", "admin.port")
START_SECONDS = 60.0
STOP_SECONDS = 20.0


def free_ports(count: int) -> list[int]:
    """Returns free ports whose port 10,000 above, SeaweedFS's gRPC port, is free as well."""
    found: list[int] = []
    while len(found) < count:
        with socket.socket() as low, socket.socket() as high:
            low.bind(("127.0.0.1", 0))
            port = low.getsockname()[1]
            if port > 55_000 or port in found:
                continue
            try:
                high.bind(("127.0.0.1", port + 10_000))
            except OSError:
                continue
        found.append(port)
    return found


def client_for(endpoint: str) -> Any:
    """A client of the store that bypasses the platform."""
    return boto3.client(
        "s3",
        endpoint_url=endpoint,
        aws_access_key_id=ACCESS,
        aws_secret_access_key=SECRET,
        region_name="us-east-1",
        config=s3_client_config("path"),
    )


class Seaweed:
    """A store in a folder of its own; its data survives a stop."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._ports = dict(zip(PORTS, free_ports(len(PORTS)), strict=True))
        self._debug = free_ports(1)[0]
        self._server: subprocess.Popen[bytes] | None = None

    @property
    def port(self) -> int:
        """The S3 port."""
        return self._ports["s3.port"]

    @property
    def endpoint(self) -> str:
        """The S3 endpoint."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it and wait until it accepts a file."""
        flags = [f"-{name}={port}" for name, port in self._ports.items()]
        fixed = ["-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-master.telemetry=false"]
        fixed += ["-webdav=false", "-admin.ui=false"]
        off = ["-s3.port.iceberg=0", "-s3.port.lance=0", f"-debug.port={self._debug}"]
        sockets = [f"-filer.localSocket={self.folder / 'f'}", f"-s3.localSocket={self.folder / 's'}"]
        environment = {**os.environ, "AWS_ACCESS_KEY_ID": ACCESS, "AWS_SECRET_ACCESS_KEY": SECRET}
        with (self.folder / "log").open("a") as log:
            self._server = subprocess.Popen(
                [str(WEED), "mini", f"-dir={self.folder}", *fixed, *off, *sockets, *flags],
                env=environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        client, bucket = client_for(self.endpoint), f"ready-{uuid4().hex[:8]}"
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                client.create_bucket(Bucket=bucket)
                client.put_object(Bucket=bucket, Key="ready", Body=b"1")
                return
            except (BotoCoreError, ClientError):
                if time.monotonic() > deadline or self._server.poll() is not None:
                    raise
                time.sleep(0.1)

    def stop(self) -> None:
        """Stop it."""
        if self._server is not None:
            self._server.terminate()
            try:
                self._server.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._server.kill()
                self._server.wait()
            self._server = None
