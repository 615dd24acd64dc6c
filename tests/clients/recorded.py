"""Requests of clients in languages that are not on this machine, byte for byte.

Java's were recorded from OpenJDK 17 and Apache HttpClient 5.1 against a socket. The others follow the sources
of the libraries that write them: Go's mime/multipart and net/http (github.com/remove-bg/go), multipart-post
under Faraday (github.com/remove-bg/ruby), Guzzle's MultipartStream over curl
(github.com/mtownsend5512/remove-bg and the sample in remove.bg's documents), and System.Net.Http (the sample
in the same documents).
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote_plus

PATH: Final = "/v1.0/removebg"


@dataclass(frozen=True)
class Recorded:
    """A request. `head` has the placeholders {host}, {key} and {length}; `body` has {photo}, {size} and
    {base64}.

    For a chunked body, each of `chunks` is one chunk. Clients that wait for 100 Continue send no body before
    it.
    """

    head: str
    body: str = ""
    chunks: tuple[str, ...] = ()
    waits: bool = False

    def head_bytes(self, host: str, key: str, length: int) -> bytes:
        """The request line and the headers."""
        filled = self.head.format(host=host, key=key, length=length)
        return filled.replace("\n", "\r\n").encode("latin-1") + b"\r\n"

    def body_bytes(self, photo: bytes) -> bytes:
        """Returns the request's body."""
        if not self.chunks:
            return _filled(self.body, photo)
        pieces = [_filled(chunk, photo) for chunk in self.chunks]
        return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in [*pieces, b""])


def _filled(text: str, photo: bytes) -> bytes:
    text = text.replace("{size}", str(len(photo))).replace("\n", "\r\n")
    if "{base64}" in text:
        text = text.replace("{base64}", quote_plus(base64.b64encode(photo).decode()))
    before, marker, after = text.partition("{photo}")
    return before.encode("latin-1") + (photo if marker else b"") + after.encode("latin-1")


_GO = "6f1d2c3b4a5968778695a4b3c2d1e0f0123456789abcdef0123456789abc"
# removebg disc.jpg: the client requests a ZIP and assembles the PNG itself.
GO_CLI: Final = Recorded(
    f"""POST {PATH} HTTP/1.1
Host: {{host}}
User-Agent: remove-bg-go-2.1.0
Content-Length: {{length}}
Content-Type: multipart/form-data; boundary={_GO}
X-Api-Key: {{key}}
Accept-Encoding: gzip
""",
    f"""--{_GO}
Content-Disposition: form-data; name="image_file"; filename="disc.jpg"
Content-Type: application/octet-stream

{{photo}}
--{_GO}
Content-Disposition: form-data; name="format"

zip
--{_GO}
Content-Disposition: form-data; name="size"

auto
--{_GO}--
""",
)

_RUBY = "-----------RubyMultipartPost-0f1e2d3c4b5a69788796a5b4c3d2e1f0"
RUBY_GEM: Final = Recorded(
    f"""POST {PATH} HTTP/1.1
User-Agent: remove-bg-ruby-2.0.0
X-Api-Key: {{key}}
Content-Type: multipart/form-data; boundary={_RUBY}
Content-Length: {{length}}
Accept-Encoding: gzip;q=1.0,deflate;q=0.6,identity;q=0.3
Accept: */*
Host: {{host}}
""",
    f"""--{_RUBY}
Content-Disposition: form-data; name="size"

auto
--{_RUBY}
Content-Disposition: form-data; name="image_file"; filename="disc.jpg"
Content-Length: {{size}}
Content-Type: image/jpeg
Content-Transfer-Encoding: binary

{{photo}}
--{_RUBY}--
""",
)
RUBY_ACCOUNT: Final = Recorded(
    """GET /v1.0/account HTTP/1.1
User-Agent: remove-bg-ruby-2.0.0
X-Api-Key: {key}
Accept-Encoding: gzip;q=1.0,deflate;q=0.6,identity;q=0.3
Accept: */*
Host: {host}
"""
)

_PHP = "2c26b46b68ffc68ff99b453c1d30413413422d70"
# It names every file .png, so a JPEG has the wrong extension.
PHP_LIBRARY: Final = Recorded(
    f"""POST {PATH} HTTP/1.1
Host: {{host}}
User-Agent: Mtownsend/RemoveBg (github.com/mtownsend5512/remove-bg)
X-API-Key: {{key}}
Content-Type: multipart/form-data; boundary={_PHP}
Content-Length: {{length}}
""",
    f"""--{_PHP}
Content-Disposition: form-data; name="image_file"; filename="disc.png"
Content-Length: {{size}}
Content-Type: image/png

{{photo}}
--{_PHP}
Content-Disposition: form-data; name="size"
Content-Length: 4

auto
--{_PHP}--
""",
)
PHP_LIBRARY_BASE64: Final = Recorded(
    f"""POST {PATH} HTTP/1.1
Host: {{host}}
User-Agent: Mtownsend/RemoveBg (github.com/mtownsend5512/remove-bg)
X-API-Key: {{key}}
Accept: application/json
Content-Type: application/x-www-form-urlencoded
Content-Length: {{length}}
""",
    "image_file_b64={base64}&size=auto&format=png",
)
# The sample of the documents uses the opened file's name. Above a megabyte Guzzle waits for 100 Continue.
PHP_SAMPLE: Final = Recorded(
    f"""POST {PATH} HTTP/1.1
Host: {{host}}
User-Agent: GuzzleHttp/7
X-Api-Key: {{key}}
Expect: 100-Continue
Content-Type: multipart/form-data; boundary={_PHP}
Content-Length: {{length}}
""",
    f"""--{_PHP}
Content-Disposition: form-data; name="image_file"; filename="disc.jpg"
Content-Type: image/jpeg

{{photo}}
--{_PHP}
Content-Disposition: form-data; name="size"

auto
--{_PHP}--
""",
    waits=True,
)

_APACHE = "Dm9_jd_7B_6qXiqnGF4jKS-1Raku6fcE6q5O"
JAVA_APACHE: Final = Recorded(
    f"""POST {PATH} HTTP/1.1
X-Api-Key: {{key}}
Accept-Encoding: gzip, x-gzip, deflate
Content-Length: {{length}}
Content-Type: multipart/form-data; charset=ISO-8859-1; boundary={_APACHE}
Host: {{host}}
Connection: keep-alive
User-Agent: Apache-HttpClient/5.1.3 (Java/17.0.15)
""",
    f"""--{_APACHE}
Content-Disposition: form-data; name="image_file"; filename="disc.jpg"
Content-Type: application/octet-stream

{{photo}}
--{_APACHE}
Content-Disposition: form-data; name="size"
Content-Type: text/plain; charset=ISO-8859-1

auto
--{_APACHE}--
""",
)
# addBinaryBody with an InputStream: no length and no file name.
JAVA_APACHE_STREAM: Final = Recorded(
    f"""POST {PATH} HTTP/1.1
X-Api-Key: {{key}}
Accept-Encoding: gzip, x-gzip, deflate
Transfer-Encoding: chunked
Content-Type: multipart/form-data; charset=ISO-8859-1; boundary={_APACHE}
Host: {{host}}
Connection: keep-alive
User-Agent: Apache-HttpClient/5.1.3 (Java/17.0.15)
""",
    chunks=(
        f"""--{_APACHE}
Content-Disposition: form-data; name="image_file"
Content-Type: application/octet-stream

{{photo}}""",
        f"""
--{_APACHE}
Content-Disposition: form-data; name="size"
Content-Type: text/plain; charset=ISO-8859-1

auto""",
        f"""
--{_APACHE}--
""",
    ),
)
# HttpMultipartMode.LEGACY, formerly BROWSER_COMPATIBLE: names in the form's character set.
JAVA_APACHE_LATIN_1: Final = Recorded(
    f"""POST {PATH} HTTP/1.1
X-Api-Key: {{key}}
Accept-Encoding: gzip, x-gzip, deflate
Content-Length: {{length}}
Content-Type: multipart/form-data; boundary={_APACHE}; charset=ISO-8859-1
Host: {{host}}
Connection: keep-alive
User-Agent: Apache-HttpClient/5.1.3 (Java/17.0.15)
""",
    f"""--{_APACHE}
Content-Disposition: form-data; name="image_file"; filename="café.jpg"
Content-Type: application/octet-stream

{{photo}}
--{_APACHE}
Content-Disposition: form-data; name="size"

auto
--{_APACHE}--
""",
)
_JDK = """--BOUNDARY
Content-Disposition: form-data; name="size"

auto
--BOUNDARY
Content-Disposition: form-data; name="image_file"; filename="disc.jpg"
Content-Type: image/jpeg

{photo}
--BOUNDARY--
"""
JAVA_JDK: Final = Recorded(
    f"""POST {PATH} HTTP/1.1
Connection: Upgrade, HTTP2-Settings
Content-Length: {{length}}
Host: {{host}}
HTTP2-Settings: AAEAAEAAAAIAAAAAAAMAAAAAAAQBAAAAAAUAAEAAAAYABgAA
Upgrade: h2c
User-Agent: Java-http-client/17.0.15
Content-Type: multipart/form-data; boundary=BOUNDARY
X-Api-Key: {{key}}
""",
    _JDK,
)
JAVA_JDK_STREAM: Final = Recorded(
    f"""POST {PATH} HTTP/1.1
Connection: Upgrade, HTTP2-Settings
Host: {{host}}
HTTP2-Settings: AAEAAEAAAAIAAAAAAAMAAAAAAAQBAAAAAAUAAEAAAAYABgAA
Transfer-encoding: chunked
Upgrade: h2c
User-Agent: Java-http-client/17.0.15
Content-Type: multipart/form-data; boundary=BOUNDARY
X-Api-Key: {{key}}
""",
    chunks=(_JDK,),
)

_NET = "7f0c6b1e-3a52-4f0e-9d0b-2a8f6f3b9c11"
# The sample of the documents sets the key on the form, so it is among the content headers.
NET_SAMPLE: Final = Recorded(
    f"""POST {PATH} HTTP/1.1
Host: {{host}}
X-Api-Key: {{key}}
Content-Type: multipart/form-data; boundary="{_NET}"
Content-Length: {{length}}
""",
    f"""--{_NET}
Content-Disposition: form-data; name=image_file; filename=file.jpg; filename*=utf-8''file.jpg

{{photo}}
--{_NET}
Content-Type: text/plain; charset=utf-8
Content-Disposition: form-data; name=size

auto
--{_NET}--
""",
)
# .NET Framework waits for 100 Continue and writes a non-ASCII name in two ways.
_CAFE = "filename=\"=?utf-8?B?Y2Fmw6kuanBn?=\"; filename*=utf-8''caf%C3%A9.jpg"
NET_FRAMEWORK: Final = Recorded(
    f"""POST {PATH} HTTP/1.1
X-Api-Key: {{key}}
Content-Type: multipart/form-data; boundary="{_NET}"
Host: {{host}}
Content-Length: {{length}}
Expect: 100-continue
Connection: Keep-Alive
""",
    f"""--{_NET}
Content-Disposition: form-data; name=image_file; {_CAFE}

{{photo}}
--{_NET}
Content-Type: text/plain; charset=utf-8
Content-Disposition: form-data; name=size

auto
--{_NET}--
""",
    waits=True,
)
# StreamContent of an unknown length, added with a name only.
NET_STREAM: Final = Recorded(
    f"""POST {PATH} HTTP/1.1
Host: {{host}}
X-Api-Key: {{key}}
Accept: image/*
Transfer-Encoding: chunked
Content-Type: multipart/form-data; boundary="{_NET}"
""",
    chunks=(
        f"--{_NET}\n",
        "Content-Type: text/plain; charset=utf-8\nContent-Disposition: form-data; name=size\n\n",
        "auto",
        f"\n--{_NET}\n",
        "Content-Disposition: form-data; name=image_file\n\n",
        "{photo}",
        f"\n--{_NET}--\n",
    ),
)
