"""Memory limits of body parsing: escapes are counted first, and large bodies are parsed in turn."""

from __future__ import annotations

import asyncio
import tracemalloc

import pytest

from jobs.compat import body
from jobs.compat.errors import CompatError
from jobs.compat.memory import MemoryBudget
from jobs.compat.spilled_bytes import IN_MEMORY, SpilledBytes

MIB = 2**20


def read(content: bytes) -> dict[str, str]:
    return body.read("application/x-www-form-urlencoded", content).fields


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"image_file_b64=" + b"%41" * 10 * MIB, "invalid_body"),
        (b"image_file_b64=" + b"QUJD" * 15 * MIB, "file_too_large"),
        (b"size=" + b"%41" * 10 * MIB, "invalid_body"),
        (b"%41" * 10 * MIB + b"=1", "invalid_body"),
        (b"a=1&" * 10 * MIB, "invalid_body"),
    ],
    ids=["escapes", "too much base64", "another field", "a name", "many fields"],
)
def test_refused_bodies_use_no_memory(content: bytes, code: str) -> None:
    tracemalloc.start()
    with pytest.raises(CompatError) as refusal:
        read(content)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert refusal.value.code == code
    assert peak < MIB


def test_unknown_fields_are_not_decoded() -> None:
    content = b"bg_image_file_b64=" + b"%41" * 4 * MIB + b"&size=auto"
    tracemalloc.start()
    fields = read(content)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert fields == {"size": "auto"}
    assert peak < MIB


def test_base64_may_contain_its_usual_escapes() -> None:
    assert read(b"image_file_b64=a%2Bb+c%2fd%3D%0D%0A") == {"image_file_b64": "a+b+c/d="}
    assert read(b"image_file_b64=data%3Aimage%2Fpng%3Bbase64%2CQUJD") == {
        "image_file_b64": "data:image/png;base64,QUJD"
    }


@pytest.mark.parametrize("shift", range(4))
def test_base64_is_decoded_in_chunks_without_splitting_escapes(shift: int) -> None:
    text = "A" * shift + "a+b/" * body.CHUNK + "=="
    escaped = text.replace("+", "%2B").replace("/", "%2f").replace("=", "%3D").encode()
    assert read(b"image_file_b64=" + escaped) == {"image_file_b64": text}


async def test_bodies_are_admitted_first_come_first_served() -> None:
    room, done, most = MemoryBudget(10), [], 0

    async def hold(name: str, size: int) -> None:
        nonlocal most
        async with room.hold(size):
            most = max(most, room.held)
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            done.append(name)

    sizes = {"a": 6, "b": 6, "c": 3, "huge": 100, "d": 1}
    await asyncio.gather(*(hold(name, size) for name, size in sizes.items()))
    assert done == ["a", "b", "c", "huge", "d"]
    assert (most, room.held) == (10, 0)


async def test_a_cancelled_waiter_passes_its_slot_on() -> None:
    room = MemoryBudget(10)
    async with room.hold(10):

        async def wait(size: int) -> bool:
            async with room.hold(size):
                return True

        gone, other = asyncio.ensure_future(wait(10)), asyncio.ensure_future(wait(1))
        await asyncio.sleep(0)
        gone.cancel()
        await asyncio.gather(gone, return_exceptions=True)
    assert await other
    assert room.held == 0


@pytest.mark.parametrize("size", [0, IN_MEMORY, IN_MEMORY + 1])
def test_spilled_bytes_can_be_read_repeatedly(size: int) -> None:
    parked = SpilledBytes(b"a" * size)
    assert [parked.read(), parked.read()] == [b"a" * size] * 2


def test_large_bytes_are_not_kept_in_memory() -> None:
    data = b"a" * 8 * MIB
    tracemalloc.start()
    parked = SpilledBytes(data)
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert held < MIB
    assert len(parked.read()) == 8 * MIB
