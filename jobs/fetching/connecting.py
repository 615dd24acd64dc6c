"""From a host to a connected socket: resolved once, every answer looked at, connected to one of them."""

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

# Of many addresses so many are tried, each for so long, so that a dead one leaves time for the next.
ADDRESSES: Final = 4
CONNECT_SECONDS: Final = 5.0
LOOPBACK: Final = IPv4Address("127.0.0.1")

# What getaddrinfo gives: family, type, protocol, canonical name, socket address.
Answer = tuple[int, int, int, str, tuple[str, int] | tuple[str, int, int, int] | tuple[int, bytes]]


class Deadline:
    """One limit over everything: names, connections, redirects, headers and bodies."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._end = time.monotonic() + seconds

    @property
    def over(self) -> bool:
        """Whether there is no time left."""
        return time.monotonic() >= self._end

    def left(self) -> float:
        """Seconds left. Raises FetchRefusedError `timeout` where there are none."""
        left = self._end - time.monotonic()
        if left <= 0:
            raise too_late(self.seconds)
        return left


def look_over(url: str) -> None:
    """Refuse at once what could never be spoken to; names are not looked up. Raises FetchRefusedError."""
    target = parse(url)
    if target.address is not None:
        check(target.address)
    elif _is_local(target.host):
        check(LOOPBACK)


def connect(target: Target, deadline: Deadline) -> socket.socket:
    """A TCP connection to the target.

    Raises FetchRefusedError: forbidden_address (no packet was sent to any of its addresses then),
    download_failed, timeout.
    """
    answers = _resolve(target, deadline)
    reason = "its name has no address"
    for family, kind, protocol, _, address in answers[:ADDRESSES]:
        line = socket.socket(family, kind, protocol)
        try:
            line.settimeout(min(deadline.left(), CONNECT_SECONDS))
            line.connect(address)
        except OSError as error:
            line.close()
            reason = "nobody answered there"
            logger.info("no connection to %s: %s", target.host, error)
        except FetchRefusedError:
            line.close()
            raise
        else:
            return line
    if deadline.over:
        raise too_late(deadline.seconds)
    raise failed(reason)


def _resolve(target: Target, deadline: Deadline) -> Sequence[Answer]:
    """The target's addresses, all of them allowed: one forbidden answer among others refuses the name."""
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
    """What the resolver says. It knows no time limit: it is asked in a thread that may be left behind."""
    if _is_local(host):
        # RFC 6761, section 6.3: no resolver is asked, whatever it would say.
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
        raise failed("its name is not known") from error


def _is_local(host: str) -> bool:
    return host == "localhost" or host.endswith(".localhost")
