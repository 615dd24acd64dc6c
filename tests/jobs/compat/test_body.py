"""Parsing of request bodies."""

from __future__ import annotations

import base64
from urllib.parse import urlencode

import pytest

from jobs.compat import body, removebg_parameters, sources
from jobs.compat.body import File
from jobs.compat.errors import CompatError


def multipart(*parts: bytes, boundary: str = "b") -> body.Body:
    mark = b"--" + boundary.encode()
    content = b"".join(mark + b"\r\n" + part + b"\r\n" for part in parts) + mark + b"--\r\n"
    return body.read(f"multipart/form-data; boundary={boundary}", content)


def part(disposition: bytes) -> bytes:
    return b"--b\r\nContent-Disposition: " + disposition + b"\r\n\r\nx\r\n--b--"


def test_files_are_recognised_by_field_name() -> None:
    named = b'Content-Disposition: form-data; name="image_file"; filename="image_file"\r\n\r\n\x89PNG'
    assert multipart(named).files == {"image_file": File(b"\x89PNG", "image_file")}
    bare = b"content-disposition: form-data; name=image_file\r\nContent-Type: text/plain\r\n\r\n\x89PNG\r\n"
    assert multipart(bare).files == {"image_file": File(b"\x89PNG\r\n", "")}


def test_bytes_that_look_like_boundaries_are_preserved() -> None:
    data = b"\r\n\r\n--a\r\n--\x00\r\n"
    part = b'Content-Disposition: form-data; name="image_file"; filename="a b.jpg"\r\n\r\n' + data
    assert multipart(part, boundary="boundary").files["image_file"] == File(data, "a b.jpg")


def test_empty_strings_and_empty_files_count_as_not_sent() -> None:
    read = multipart(
        b'Content-Disposition: form-data; name="roi"\r\n\r\n',
        b'Content-Disposition: form-data; name="crop"\r\n\r\n  ',
        b'Content-Disposition: form-data; name="size"\r\n\r\nfull',
        b'Content-Disposition: form-data; name="image_file"; filename=""\r\n\r\n',
    )
    assert (read.fields, read.files, read.empty) == ({"size": "full"}, {}, frozenset())
    assert body.read("application/json", b'{"roi": "", "crop": null, "size": " full "}').fields == {
        "size": "full"
    }
    assert body.read("application/x-www-form-urlencoded", b"roi=&crop=+&size=full").fields == {"size": "full"}


def test_a_file_with_a_name_and_no_bytes_is_empty_and_not_absent() -> None:
    read = multipart(b'Content-Disposition: form-data; name="image_file"; filename="a.jpg"\r\n\r\n')
    assert (read.files, read.empty) == ({}, frozenset({"image_file"}))
    with pytest.raises(CompatError, match="failed_to_read_image") as caught:
        sources.image(read)
    assert caught.value.detail.startswith("The file is empty (0 bytes).")
    behind = multipart(b'Content-Disposition: form-data; name="bg_image_file"; filename="a.jpg"\r\n\r\n')
    with pytest.raises(CompatError, match="failed_to_read_image"):
        sources.background(behind)


def test_json_values_of_every_type() -> None:
    read = body.read(
        "application/json; charset=utf-8",
        b'{"crop": true, "a": false, "n": 80, "shadow_type": {"car": "3D"}}',
    )
    assert read.fields == {"crop": "true", "a": "false", "n": "80", "shadow_type[car]": "3D"}


def test_forms_with_and_without_a_content_type() -> None:
    encoded = urlencode({"bg_color": "#fff", "roi": "0% 0% 50% 50%", "ö": "ü"}).encode()
    expected = {"bg_color": "#fff", "roi": "0% 0% 50% 50%", "ö": "ü"}
    assert body.read("application/x-www-form-urlencoded", encoded).fields == expected
    assert body.read("", encoded).fields == expected


def test_long_unknown_fields_are_ignored() -> None:
    content = b'{"image_base64": "' + b"A" * 20_000 + b'", "size": "hd"}'
    assert body.read("application/json", content).fields == {"size": "hd"}
    with pytest.raises(CompatError, match="missing_source"):
        sources.image(body.read("application/json", content))


def test_values_by_subject_type() -> None:
    said = body.read("application/json", b'{"shadow_opacity": {"car": 10, "person": "auto"}, "type": "car"}')
    assert said.fields == {"shadow_opacity[car]": "10", "shadow_opacity[person]": "auto", "type": "car"}
    form = body.read("application/x-www-form-urlencoded", b"shadow_opacity%5Bcar%5D=10&type=car")
    assert form.fields == {"shadow_opacity[car]": "10", "type": "car"}


def test_the_query_provides_fields_that_the_body_lacks() -> None:
    read = body.read("application/json", b'{"size": "hd"}', "size=full&format=jpg&crop=")
    assert read.fields == {"size": "hd", "format": "jpg"}


@pytest.mark.parametrize(
    "disposition",
    [
        b"form-data; name=image_file",
        b'form-data; name="image_file"; filename=""',
        b'form-data; name="image_file"; filename="caf\xe9.jpg"',
        b"form-data; name=image_file; filename*=nope''b",
        b'form-data; name="other"; filename="caf\xe9.jpg"',
    ],
)
def test_a_file_whatever_its_name(disposition: bytes) -> None:
    read = body.read("multipart/form-data; boundary=b", part(disposition))
    ((name, file),) = read.files.items()
    assert (name, file.data) == ("other" if b"other" in disposition else "image_file", b"x")
    assert file.name == ("café.jpg" if b"caf" in disposition else "")


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        ("application/json", b"{"),
        ("application/json", b"[]"),
        ("application/json", b"[" * 100_000),
        ("multipart/form-data", b"--b--"),
        ("multipart/form-data; boundary=b", b"no part"),
        ("multipart/form-data; boundary=b", b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\nx'),
        ("application/x-www-form-urlencoded", b"a=1&" * 1000),
        ("multipart/form-data; boundary*=nope''b", b"--b"),
        ("multipart/form-data; boundary=b", part(b"form-data; name=a" + b"; a=b" * 1000)),
        ("multipart/form-data; boundary=b", part(b"form-data; name=a" + b"\r\nX: y" * 2000)),
        ("multipart/form-data; boundary=b", b"--b" + bytes(9000) + b"\r\n\r\n\r\n--b--"),
        ("application/json", b'{"a": [' + b"1," * 10_000 + b"1]}"),
        ("application/json", b'{"' + b"a" * 201 + b'": {"b": 1}}'),
        ("application/json", b'{"roi": "' + b"1" * 10_001 + b'"}'),
        ("application/json", b'{"shadow_type": {"car": "' + b"1" * 10_001 + b'"}}'),
        ("application/json", b'{"shadow_opacity": {"car": "' + b"1" * 10_001 + b'"}}'),
        ("application/x-www-form-urlencoded", b"roi=" + b"1" * 10_001),
        ("application/x-www-form-urlencoded", b"a" * 201 + b"=1"),
    ],
)
def test_malformed_bodies_are_reported(kind: str, content: bytes) -> None:
    with pytest.raises(CompatError) as refused:
        body.read(kind, content)
    assert (refused.value.code, refused.value.status) == ("invalid_body", 400)


def test_too_many_query_fields_are_reported() -> None:
    with pytest.raises(CompatError) as refused:
        body.read("", b"", "a=1&" * 201)
    assert refused.value.code == "invalid_body"


@pytest.mark.parametrize("name", ["size", "roi", "shadow_type", "shadow_opacity", "scale", "bg_color"])
def test_errors_do_not_repeat_long_input(name: str) -> None:
    with pytest.raises(CompatError) as refused:
        removebg_parameters.read({name: "x" * 10_000})
    assert len(refused.value.detail) <= 400


DATA = bytes(range(256)) * 40
TEXT = base64.b64encode(DATA).decode()


@pytest.mark.parametrize(
    "text",
    [
        TEXT,
        TEXT.rstrip("="),
        "data:image/png;base64," + TEXT,
        base64.encodebytes(DATA).decode(),
        base64.urlsafe_b64encode(DATA).decode(),
    ],
)
@pytest.mark.parametrize("kind", ["json", "form", "multipart"])
def test_base64_in_every_spelling_and_body(text: str, kind: str) -> None:
    if kind == "json":
        import json

        read = body.read("application/json", json.dumps({"image_file_b64": text}).encode())
    elif kind == "form":
        read = body.read("application/x-www-form-urlencoded", urlencode({"image_file_b64": text}).encode())
    else:
        read = multipart(b'Content-Disposition: form-data; name="image_file_b64"\r\n\r\n' + text.encode())
    assert sources.decoded(read.fields["image_file_b64"]).data == DATA


def test_an_unescaped_plus_is_a_plus() -> None:
    raw = b"image_file_b64=" + TEXT.encode()
    assert b"+" in raw
    assert sources.decoded(body.read("", raw).fields["image_file_b64"]).data == DATA


@pytest.mark.parametrize("kind", ["application/json", "application/x-www-form-urlencoded"])
def test_22_megabytes_in_base64_are_read(kind: str) -> None:
    data = bytes(22 * 2**20)
    text = base64.b64encode(data)
    content = b'{"image_file_b64":"' + text + b'"}' if kind.endswith("json") else b"image_file_b64=" + text
    assert len(content) > 30_000_000
    assert sources.decoded(body.read(kind, content).fields["image_file_b64"]).data == data


def test_invalid_base64_is_refused() -> None:
    with pytest.raises(CompatError) as refused:
        sources.decoded("ü")
    assert refused.value.code == "failed_to_read_image"
