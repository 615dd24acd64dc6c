"""The attacks, numbered by their line in the list; each returns the problems that it found."""

from __future__ import annotations

import io
import json
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

from PIL import Image

from tests.attack.wire import Answer, Line, ask, flood, pieces, settled
from tests.stack import Stack

MIB: Final = 2**20
FORM: Final = {"Content-Type": "application/x-www-form-urlencoded"}
ESCAPES: Final = b"%41%42%43"
# Concurrent webhook deliveries of one account (docs/hardening.md).
ACCOUNT_WINDOW: Final = 4
VICTIM: Final = "victim@example.org"
NOBODY: Final = "nobody@example.org"


# How long another user keeps trying to connect, beside the attack and on a possibly busy machine.
PATIENCE: Final = 60.0


class Slow(str):
    """A problem of time only; on a busy machine it may be the machine's."""

    __slots__ = ()


@dataclass
class Target:
    """A running copy, the credentials of an account, and the size of each attack."""

    stack: Stack
    token: str
    victim: str
    short: bool

    @property
    def address(self) -> str:
        """The copy's address."""
        return self.stack.address.rstrip("/")


Attack = Callable[[Target], list[str]]


def refused(answers: list[Answer], what: str) -> list[str]:
    """Return a problem where an answer is neither a refusal nor a closed connection."""
    wrong = sorted({answer.status for answer in answers if not (answer.status == 0 or answer.status >= 300)})
    return [f"{what}: answered with {status}" for status in wrong]


def at_once(count: int, act: Callable[[int], Any]) -> list[Any]:
    """Run `act` in `count` threads and return the results."""
    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(act, range(count)))


def others_get_in(target: Target) -> list[str]:
    """Return a problem where another user gets no page."""
    over = time.monotonic() + PATIENCE
    while time.monotonic() < over:
        if ask(target.address, "GET", "/account/login/").status == 200:
            return []
    return ["nobody else gets in"]


def nothing(target: Target) -> list[str]:
    """0: no attack, to show the effect of the machine's own load."""
    time.sleep(5)
    return []


def forms(target: Target) -> list[str]:
    """1: sign-in forms of 4 MB of percent-escapes, six at once; and the largest form that is still read."""
    wrong = []
    for size in (4 * MIB, 256 * 1024 - 64):
        found = at_once(
            6, lambda _, size=size: flood(target.address, "/account/login/", size, ESCAPES, FORM, b"login=")
        )
        wrong += refused([answer for _, answer in found], f"a form of {size} bytes")
    return wrong


def bodies_of_escapes(target: Target) -> list[str]:
    """1: 16 authenticated bodies of 60 MB of escapes, at both compatible APIs."""
    count, size = (4, 60 * MIB) if target.short else (16, 60 * MIB)
    headers = {**FORM, "X-Api-Key": target.token}
    found = at_once(
        count,
        lambda number: flood(
            target.address,
            ("/v1.0/removebg", "/api/remove")[number % 2],
            size,
            ESCAPES,
            headers,
            b"image_file_b64=",
        ),
    )
    return refused([answer for _, answer in found], "a body of escapes")


def bodies_of_base64(target: Target) -> list[str]:
    """1, a variant: the same with letters that need no escape, and as multipart."""
    count = 4 if target.short else 16
    head = b'--mark\r\nContent-Disposition: form-data; name="image_file"; filename="a.png"\r\n\r\n'
    kinds = [
        ("/v1.0/removebg", FORM, b"image_file_b64=", b"QUJD"),
        ("/api/remove", {"Content-Type": "multipart/form-data; boundary=mark"}, head, b"ABCD"),
    ]

    def one(number: int) -> Answer:
        path, kind, begin, unit = kinds[number % 2]
        headers = {**kind, "X-Api-Key": target.token}
        return flood(target.address, path, 60 * MIB, unit, headers, begin)[1]

    return refused(at_once(count, one), "a large body")


def endless_head(target: Target) -> list[str]:
    """2: a header of 100 MB; endless trailers, chunk extensions and blank lines."""
    size = 100 * MIB
    wrong = []
    chunked = "Transfer-Encoding: chunked\r\n\r\n"
    begins = {
        "a header": "GET / HTTP/1.1\r\nHost: a\r\nX-Long: ",
        "an address": "GET /",
        "trailers": f"POST /account/login/ HTTP/1.1\r\nHost: a\r\n{chunked}0\r\nX-Long: ",
        "a chunk's extension": f"POST /account/login/ HTTP/1.1\r\nHost: a\r\n{chunked}5;a=",
    }
    for what, begin in begins.items():
        line = Line(target.address)
        sent = line.send(pieces(begin.encode(), b"a", size))
        line.close()
        if sent > 32 * MIB:
            wrong.append(f"{what} of {sent // MIB} MB was taken")
    return wrong


def large_bodies(target: Target) -> list[str]:
    """3: unauthenticated bodies of 1 GiB, at an address that accepts none and at upload addresses."""
    size = 128 * MIB if target.short else 1024 * MIB
    paths = (
        "/account/login/",
        "/healthz",
        "/jobs/",
        "/v1.0/removebg",
        "/uploads/00000000-0000-0000-0000-000000000000/body/",
        "/api/v1/jobs/",
    )
    kind = {"Content-Type": "multipart/form-data; boundary=mark"}
    found = at_once(len(paths), lambda number: flood(target.address, paths[number], size, b"a", kind))
    return refused([answer for _, answer in found], "1 GiB")


def half_sent_heads(target: Target) -> list[str]:
    """3: 1,500 half-sent request heads while others connect; they are closed after a while."""
    lines: list[Line] = []
    wrong: list[str] = []
    try:
        for _ in range(1_500):
            line = Line(target.address)
            line.send([b"GET / HTTP/1.1\r\nHost: a\r\nX-Slow: "])
            lines.append(line)
        wrong += others_get_in(target)
        if settled(lines, 120) is None:
            wrong.append("half-sent heads are still open after two minutes")
    finally:
        for line in lines:
            line.close()
    return wrong


def half_sent_bodies(target: Target) -> list[str]:
    """3: 200 half-sent forms; they are closed after a while."""
    lines: list[Line] = []
    wrong: list[str] = []
    try:
        for _ in range(200):
            line = Line(target.address)
            line.begin("POST", "/account/login/", {**FORM, "Content-Length": "200000"})
            line.send([b"a" * 150_000])
            lines.append(line)
        wrong += others_get_in(target)
        if not target.short and settled(lines, 240) is None:
            wrong.append("half-sent bodies are still open after four minutes")
    finally:
        for line in lines:
            line.close()
    return wrong


def broken_off(target: Target) -> list[str]:
    """3: authenticated uploads that are aborted before their end."""
    headers = {"X-Api-Key": target.token, "Content-Type": "multipart/form-data; boundary=mark"}
    for _ in range(4):
        line = Line(target.address)
        line.begin("POST", "/v1.0/removebg", {**headers, "Content-Length": str(60 * MIB)})
        line.send(pieces(b"", b"a", 40 * MIB))
        line.close()
    return []


def foreign_host(target: Target) -> list[str]:
    """4: a reset e-mail never links to the host in a stranger's Host header."""
    page = ask(target.address, "GET", "/account/password/reset/")
    before = len(target.stack.output())
    token = csrf(page)
    ask(
        target.address,
        "POST",
        "/account/password/reset/",
        f"csrfmiddlewaretoken={token}&email={VICTIM}".encode(),
        {**FORM, "Cookie": page.cookies, "Host": "evil.example"},
    )
    time.sleep(1)
    return ["the mail leads to evil.example"] * ("evil.example/" in target.stack.output()[before:])


def wrong_passwords(target: Target) -> list[str]:
    """4: wrong passwords from one address do not lock out the owner, who uses another address."""
    who = target.stack.sign_in
    for _ in range(8):
        signed_in(target, who.email, "wrong", "127.0.0.2")
    answer = signed_in(target, who.email, who.password, "127.0.0.3")
    return [f"the owner is locked out: {answer.status}"] * (answer.status != 302)


def who_is_registered(target: Target) -> list[str]:
    """4: sign-up answers alike for registered and unregistered addresses."""
    said = []
    for email in (VICTIM, NOBODY):
        page = ask(target.address, "GET", "/account/signup/", source="127.0.0.4")
        fields = {"csrfmiddlewaretoken": csrf(page), "email": email}
        fields |= dict.fromkeys(("password1", "password2"), "tr4in-spott1ng")
        body = "&".join(f"{name}={value}" for name, value in fields.items())
        answer = ask(
            target.address,
            "POST",
            "/account/signup/",
            body.encode(),
            {**FORM, "Cookie": page.cookies},
            "127.0.0.4",
        )
        said.append((answer.status, answer.location))
    return [f"known and unknown addresses differ: {said}"] * (said[0] != said[1])


def output_pixels(target: Target) -> list[str]:
    """6: a request for 10,000 × 10,000 pixels from a small photo."""
    recipe = {"size": "10000x10000", "format": "avif", "quality": "100", "refine": "off"}
    parts = [f'--mark\r\nContent-Disposition: form-data; name="{k}"\r\n\r\n{v}' for k, v in recipe.items()]
    parts.append('--mark\r\nContent-Disposition: form-data; name="pictures"; filename="a.jpg"\r\n\r\n')
    body = "\r\n".join(parts).encode() + small_photo() + b"\r\n--mark--\r\n"
    headers = {
        "Authorization": f"Token {target.token}",
        "Content-Type": "multipart/form-data; boundary=mark",
    }
    answer = ask(target.address, "POST", "/api/v1/jobs/?wait=50", body, headers)
    wrong = ["100 megapixels out of a small photo were made"] * (answer.status < 300)
    if answer.status == 201:
        job = json.loads(answer.body)["id"]
        ask(
            target.address,
            "POST",
            f"/api/v1/jobs/{job}/cancel/",
            b"{}",
            {**headers, "Content-Type": "application/json"},
        )
    return wrong


def small_photo() -> bytes:
    """Returns a JPEG of 640 × 480."""
    out = io.BytesIO()
    Image.linear_gradient("L").resize((640, 480)).convert("RGB").save(out, "JPEG")
    return out.getvalue()


def slow_receivers(target: Target) -> list[str]:
    """8: ten receivers that take 19 s each; another user's webhook is delivered at once.

    The verdict depends on the number of concurrent deliveries of the account, which is the same on every
    machine.
    """
    # A courier gives up after 20 s and retries; the short form stays well below that.
    with receiving(10.0 if target.short else 19.0) as slow, receiving(0) as quick:
        mine = [webhook(target, target.token, f"{slow.url}{number}") for number in range(10)]
        for _ in range(4):
            for one in mine:
                told(target, target.token, one)
        own = webhook(target, target.victim, quick.url)
        began = time.monotonic()
        told(target, target.victim, own)
        came = quick.came.wait(100)
        took = time.monotonic() - began
        wrong: list[str] = [] if came else ["somebody else's webhook did not come"]
        if slow.most > ACCOUNT_WINDOW:
            wrong.append(f"{slow.most} webhooks of one account were on their way together")
        if not slow.most:
            wrong.append("no slow receiver was asked: this tried nothing")
    return wrong + [Slow(f"somebody else's webhook took {took:.1f} s")] * (took > 5)


class Receiver:
    """A webhook receiver that takes a given number of seconds for each request."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.came = threading.Event()
        self.over = threading.Event()
        self.url = ""
        self.most = 0
        self._now = 0
        self._lock = threading.Lock()

    def take(self) -> None:
        """Handle one delivery."""
        with self._lock:
            self._now += 1
            self.most = max(self.most, self._now)
        self.came.set()
        self.over.wait(self.seconds)
        with self._lock:
            self._now -= 1


@contextmanager
def receiving(seconds: float) -> Iterator[Receiver]:
    """A receiver on a port of its own."""
    receiver = Receiver(seconds)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            receiver.take()
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    receiver.url = f"http://127.0.0.1:{server.server_port}/"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield receiver
    finally:
        receiver.over.set()
        server.shutdown()
        server.server_close()


def webhook(target: Target, token: str, url: str) -> str:
    """Create a webhook and return its id."""
    answer = _api(target, token, "webhooks/", {"url": url})
    return str(json.loads(answer.body)["id"])


def told(target: Target, token: str, webhook: str) -> None:
    """Request a test delivery."""
    _api(target, token, f"webhooks/{webhook}/test/", {})


def _api(target: Target, token: str, path: str, said: object) -> Answer:
    headers = {"Authorization": f"Token {token}", "Content-Type": "application/json"}
    answer = ask(target.address, "POST", f"/api/v1/{path}", json.dumps(said).encode(), headers)
    assert answer.status < 300, answer
    return answer


def csrf(page: Answer) -> str:
    """Returns the CSRF token of a page's form."""
    return page.body.partition(b'name="csrfmiddlewaretoken" value="')[2].partition(b'"')[0].decode()


def signed_in(target: Target, email: str, password: str, source: str) -> Answer:
    """Returns the response to a sign-in."""
    page = ask(target.address, "GET", "/account/login/", source=source)
    body = f"csrfmiddlewaretoken={csrf(page)}&login={email}&password={password}"
    headers = {**FORM, "Cookie": page.cookies}
    return ask(target.address, "POST", "/account/login/", body.encode(), headers, source)


# By line number; slow receivers are last because they take a while.
ATTACKS: Final[tuple[tuple[str, Attack], ...]] = (
    ("0 nothing", nothing),
    ("1 forms of escapes", forms),
    ("1 bodies of escapes", bodies_of_escapes),
    ("1 large bodies of an account", bodies_of_base64),
    ("2 endless heads", endless_head),
    ("3 large bodies of strangers", large_bodies),
    ("3 half-sent heads", half_sent_heads),
    ("3 half-sent bodies", half_sent_bodies),
    ("3 uploads broken off", broken_off),
    ("4 a foreign Host", foreign_host),
    ("4 wrong passwords", wrong_passwords),
    ("4 who is registered", who_is_registered),
    ("6 output pixels", output_pixels),
    ("8 slow receivers", slow_receivers),
)
