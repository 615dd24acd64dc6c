"""Concurrent clients that send requests one after the other, and their response times."""

from __future__ import annotations

import http.client
import itertools
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

PNG = b"\x89PNG\r\n\x1a\n"
BOUNDARY = "throughput"
ANSWER_SECONDS = 600


@dataclass(frozen=True)
class Target:
    """A server's endpoint: its URL, the field for the file, and the other fields."""

    name: str
    port: int
    path: str
    file_field: str
    fields: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)

    def body(self, picture: bytes) -> bytes:
        """Returns the multipart body of a call."""
        parts = [
            f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
            for name, value in self.fields.items()
        ]
        head = (
            f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{self.file_field}"; filename="a.jpg"\r\n'
        )
        return b"".join(
            [
                *parts,
                head.encode(),
                b"Content-Type: image/jpeg\r\n\r\n",
                picture,
                f"\r\n--{BOUNDARY}--\r\n".encode(),
            ]
        )


@dataclass(frozen=True)
class Turn:
    """One contender's turn: seconds of each response."""

    rate: float
    seconds: list[float]

    @property
    def p50(self) -> float:
        """The median response time."""
        return statistics.median(self.seconds)

    @property
    def p95(self) -> float:
        """The 95th percentile of the response time."""
        return sorted(self.seconds)[max(0, -(-len(self.seconds) * 95 // 100) - 1)]


def turn(target: Target, pictures: Iterator[bytes], clients: int, requests: int) -> Turn:
    """Runs `requests` calls from `clients` concurrent clients, each with a distinct picture. Raises if one
    fails.
    """
    bodies = [target.body(picture) for picture in itertools.islice(pictures, requests)]
    seconds: list[float] = []
    errors: list[BaseException] = []
    lock = threading.Lock()

    def work() -> None:
        line = http.client.HTTPConnection("127.0.0.1", target.port, timeout=ANSWER_SECONDS)
        try:
            while True:
                with lock:
                    if not bodies:
                        return
                    body = bodies.pop()
                began = time.perf_counter()
                _ask(line, target, body)
                with lock:
                    seconds.append(time.perf_counter() - began)
        except BaseException as error:
            errors.append(error)
            raise
        finally:
            line.close()

    threads = [threading.Thread(target=work) for _ in range(clients)]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    return Turn(requests / (time.perf_counter() - began), seconds)


def _ask(line: http.client.HTTPConnection, target: Target, body: bytes) -> None:
    kind = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
    line.request("POST", target.path, body, {**kind, **target.headers})
    answer = line.getresponse()
    content = answer.read()
    if answer.status != 200 or not content.startswith(PNG):
        raise RuntimeError(f"{target.name} answered {answer.status}: {content[:300]!r}")


def different(picture: bytes) -> Iterator[bytes]:
    """Yields the picture repeatedly, with different trailing bytes, so that no cached result applies."""
    stamp = f"{time.time_ns():020d}".encode()
    for number in itertools.count():
        yield picture + stamp + f"{number:08d}".encode()


def wait_for(answers: Callable[[], bool], seconds: float) -> None:
    """Waits until a server responds."""
    deadline = time.monotonic() + seconds
    while not answers():
        if time.monotonic() > deadline:
            raise TimeoutError(f"no answer in {seconds:g} s")
        time.sleep(0.2)
