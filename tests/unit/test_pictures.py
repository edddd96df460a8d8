"""Pictures decoded without Pillow's opening of files: the same pixels, and the same refusals."""

from __future__ import annotations

import io
import random
from typing import Any

import numpy as np
import pytest
from PIL import Image

from mtlbench_tasks._pictures import REFUSALS, _plain, opened, square


def written(mode: str, form: str, size: tuple[int, int] = (11, 7), **options: Any) -> bytes:
    noise = np.random.default_rng(0).integers(0, 256, (size[1], size[0], 3), np.uint8)
    file = io.BytesIO()
    Image.fromarray(noise).convert(mode).save(file, form, **options)
    return file.getvalue()


def directly(data: bytes) -> Any:
    """What Pillow makes of it, or that it is refused."""
    try:
        with Image.open(io.BytesIO(data)) as picture:
            return picture.mode, picture.size, picture.tobytes()
    except REFUSALS:
        return "refused"


def quickly(data: bytes) -> Any:
    try:
        picture = opened(data)
        return picture.mode, picture.size, picture.tobytes()
    except REFUSALS:
        return "refused"


PLAIN = {
    "grey png": written("L", "PNG"),
    "png in colour": written("RGB", "PNG"),
    "one pixel": written("L", "PNG", (1, 1)),
    "jpeg in colour": written("RGB", "JPEG"),
    "grey jpeg": written("L", "JPEG", (33, 17)),
    "jpeg of all colours": written("RGB", "JPEG", subsampling=0, quality=95),
}
OTHERS = {
    "palette": written("P", "PNG"),
    "transparent": written("RGBA", "PNG"),
    "two colours": written("1", "PNG"),
    "grey of 16 bits": written("I;16", "PNG"),
    "png with a text": written("L", "PNG", dpi=(72, 72)),
    "a large png": written("RGB", "PNG", (300, 300)),
    "progressive": written("RGB", "JPEG", progressive=True),
    "four colours": written("CMYK", "JPEG"),
    "jpeg with a comment": written("RGB", "JPEG", comment="no"),
    "gif": written("L", "GIF"),
    "bmp": written("RGB", "BMP"),
    "webp": written("RGB", "WEBP"),
    "nothing": b"",
    "text": b"no picture",
    "only a mark": b"\x89PNG\r\n\x1a\n",
}


@pytest.mark.parametrize("name", [*PLAIN, *OTHERS])
def test_pixels_are_pillows(name: str) -> None:
    data = {**PLAIN, **OTHERS}[name]
    assert (_plain(data) is not None) == (name in PLAIN)
    assert quickly(data) == directly(data)


@pytest.mark.parametrize("name", PLAIN)
def test_what_is_damaged_is_read_or_refused_as_by_pillow(name: str) -> None:
    rng, data = random.Random(0), PLAIN[name]
    for end in range(0, len(data), max(1, len(data) // 60)):
        assert quickly(data[:end]) == directly(data[:end]), end
    for _ in range(400):
        changed = bytearray(data)
        for _ in range(rng.randrange(1, 4)):
            changed[rng.randrange(len(changed))] = rng.randrange(256)
        assert quickly(bytes(changed)) == directly(bytes(changed)), bytes(changed)
    assert quickly(data + b"more") == directly(data + b"more")


def test_the_middle_square_is_pillows() -> None:
    size = 8
    for name in (*PLAIN, "palette", "transparent", "four colours"):
        with Image.open(io.BytesIO({**PLAIN, **OTHERS}[name])) as picture:
            whole = picture if picture.mode in ("L", "RGB") else picture.convert("RGB")
            margins = [(each - min(whole.size)) / 2 for each in whole.size]
            box = (*margins, *(each + min(whole.size) for each in margins))
            wanted = whole.resize((size, size), Image.Resampling.BILINEAR, box)
        found = square({**PLAIN, **OTHERS}[name], size)
        assert (found.mode, found.tobytes()) == (wanted.mode, wanted.tobytes())
    assert (
        square(written("L", "PNG", (8, 8)), 8).tobytes()
        == Image.open(io.BytesIO(written("L", "PNG", (8, 8)))).tobytes()
    )
