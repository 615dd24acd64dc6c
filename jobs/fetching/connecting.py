"""From a host to a connected socket: resolve once, check every address, connect to one of them."""

from __future__ import annotations

import logging
import socket
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future
from ipaddress import IPv4Address
from typing import Final

from jobs.fetching.addresses import check, check_text
from jobs.fetching.errors import FetchRefusedError, failed, too_late
from jobs.fetching.targets import Target, parse

logger = logging.getLogger(__name__)

# How many addresses are tried, and for how long each, so that an unreachable one leaves time for the next.
ADDRESSES: Final = 4
CONNECT_SECONDS: Final = 5.0
LOOPBACK: Final = IPv4Address("127.0.0.1")

# A result of getaddrinfo: family, type, protocol, canonical name, socket address.
Answer = tuple[int, int, int, str, tuple[str, int] | tuple[str, int, int, int] | tuple[int, bytes]]


class Deadline:
    """One deadline for resolution, connections, redirects, headers and bodies."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._end = time.monotonic() + seconds

    @property
    def over(self) -> bool:
        """Whether the deadline has passed."""
        return time.monotonic() >= self._end

    def left(self) -> float:
        """Returns the seconds left. Raises FetchRefusedError `timeout` if there are none."""
        left = self._end - time.monotonic()
        if left <= 0:
            raise too_late(self.seconds)
        return left


def look_over(url: str) -> None:
    """Refuses invalid URLs and forbidden addresses without resolving names. Raises FetchRefusedError."""
    target = parse(url)
    if target.address is not None:
        check(target.address)
    elif _is_local(target.host):
        check(LOOPBACK)


def connect(target: Target, deadline: Deadline) -> socket.socket:
    """Returns a TCP connection to the target.

    Raises FetchRefusedError: forbidden_address (before any packet is sent to the target), download_failed,
    timeout.
    """
    answers = _resolve(target, deadline)
    reason = "the host name has no address"
    for family, kind, protocol, _, address in answers[:ADDRESSES]:
        sock = socket.socket(family, kind, protocol)
        try:
            sock.settimeout(min(deadline.left(), CONNECT_SECONDS))
            sock.connect(address)
        except OSError as error:
            sock.close()
            reason = "no server answered"
            logger.info("no connection to %s: %s", target.host, error)
        except FetchRefusedError:
            sock.close()
            raise
        else:
            return sock
    if deadline.over:
        raise too_late(deadline.seconds)
    raise failed(reason)


def _resolve(target: Target, deadline: Deadline) -> Sequence[Answer]:
    """Returns the target's addresses after checking all of them. One forbidden address refuses the whole
    name.
    """
    if target.address is not None:
        check(target.address)
        v6 = target.address.version == 6
        family = socket.AF_INET6 if v6 else socket.AF_INET
        place: tuple[str, int] | tuple[str, int, int, int] = (
            (target.host, target.port, 0, 0) if v6 else (target.host, target.port)
        )
        return [(family, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", place)]
    answers = _ask(target.host, target.port, deadline)
    for answer in answers:
        check_text(str(answer[4][0]))
    return answers


def _ask(host: str, port: int, deadline: Deadline) -> Sequence[Answer]:
    """Queries the resolver in a thread that can be abandoned, because getaddrinfo has no time-out."""
    if _is_local(host):
        # RFC 6761, section 6.3: never query a resolver for localhost.
        place = (str(LOOPBACK), port)
        return [(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", place)]
    answers: Future[Sequence[Answer]] = Future()

    def ask() -> None:
        try:
            answers.set_result(
                socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
            )
        except (OSError, UnicodeError) as error:
            answers.set_exception(error)

    threading.Thread(target=ask, name="resolver", daemon=True).start()
    try:
        return answers.result(deadline.left())
    except TimeoutError:
        raise too_late(deadline.seconds) from None
    except (OSError, UnicodeError) as error:
        raise failed("the host name is unknown") from error


def _is_local(host: str) -> bool:
    return host == "localhost" or host.endswith(".localhost")
