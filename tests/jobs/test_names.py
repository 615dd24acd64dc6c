"""User-supplied file names."""

from __future__ import annotations

import pytest

from jobs import names


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("cat.jpg", "cat.jpg"),
        ("  cat.jpg  ", "cat.jpg"),
        ("holiday/2024/cat.jpg", "cat.jpg"),
        ("C:\\Users\\ada\\cat.jpg", "cat.jpg"),
        ("../../etc/passwd", "passwd"),
        ("..\\..\\boot.ini", "boot.ini"),
        ("..", "picture"),
        (".", "picture"),
        ("", "picture"),
        ("folder/", "picture"),
        ("\x00\x01\r\n", "picture"),
        ("a\r\nSet-Cookie: b=1.jpg", "aSet-Cookie: b=1.jpg"),
        ("\u202egpj.exe", "gpj.exe"),
        ("\u2066photo\u2069.png", "photo.png"),
        ("one\u2028two\u2029three.png", "onetwothree.png"),
        ("lone\ud800.png", "lone.png"),
        ("Bjo\u0308rk.png", "Bj\u00f6rk.png"),
        ("日本の写真.webp", "日本の写真.webp"),
        ("<script>alert(1)</script>.png", "script>.png"),
        ('"quoted".png', '"quoted".png'),
        ("IMG_0001.jpeg and 11 more", "IMG_0001.jpeg and 11 more"),
        ("photo.jpeg.verylongextension1234", "photo.jpeg.verylongextension1234"),
    ],
)
def test_paths_and_invisible_characters_are_removed_from_names(given: str, kept: str) -> None:
    assert names.clean(given) == kept


@pytest.mark.parametrize("letter", ["x", "é", "日", "🐈"])
def test_long_names_are_cut_and_keep_their_extension(letter: str) -> None:
    cleaned = names.clean(letter * 300 + ".jpeg")
    assert cleaned.endswith(letter + ".jpeg")
    assert len(cleaned) <= names.MAX_LENGTH
    for number in ("", " (5000)"):
        downloaded = names.with_extension(cleaned.replace(".jpeg", f"{number}.jpeg"), "webp")
        assert len(downloaded.encode()) <= 255


def test_a_long_name_without_an_extension_is_cut() -> None:
    assert names.clean("y" * 300) == "y" * names.MAX_LENGTH


@pytest.mark.parametrize(
    ("name", "result"),
    [
        ("cat.jpeg", "cat.png"),
        ("cat", "cat.png"),
        ("cat.tar.gz", "cat.tar.png"),
        (".hidden", ".hidden.png"),
        ("ends with a dot.", "ends with a dot.png"),
        ("...", "picture.png"),
    ],
)
def test_a_result_has_the_originals_name_and_its_own_extension(name: str, result: str) -> None:
    assert names.with_extension(name, "png") == result


@pytest.mark.parametrize(
    ("name", "portable"),
    [
        ("cat.png", "cat.png"),
        ("CON.png", "_CON.png"),
        ("nul.PNG", "_nul.PNG"),
        ("com1", "_com1"),
        ("lpt9.tar.png", "_lpt9.tar.png"),
        ("console.png", "console.png"),
        ('a:b*c?d"e<f>g|h.png', "a_b_c_d_e_f_g_h.png"),
        ("blank at the end. .", "blank at the end"),
        ("..", "picture"),
    ],
)
def test_a_name_in_an_archive_can_be_unpacked_on_any_system(name: str, portable: str) -> None:
    assert names.portable(name) == portable


def test_repeated_names_are_numbered_without_regard_to_case() -> None:
    given = ["cat.png", "dog.png", "Cat.png", "cat.png", "cat (2).png", "noext", "noext"]
    assert list(names.unique(given)) == [
        "cat.png",
        "dog.png",
        "Cat (2).png",
        "cat (3).png",
        "cat (2) (2).png",
        "noext",
        "noext (2)",
    ]


def test_numbering_five_thousand_equal_names_is_linear() -> None:
    """Pasted pictures are all called image.png. Counting from 2 for each of them would take seconds."""
    asked = 0

    class Counted(str):
        __slots__ = ()

        def casefold(self) -> str:
            nonlocal asked
            asked += 1
            return super().casefold()

    result = list(names.unique([Counted("image.png")] * 5000))
    assert result[0] == "image.png"
    assert result[-1] == "image (5000).png"
    assert len(set(result)) == 5000
    assert asked <= 3 * 5000
