"""Pictures decoded by Pillow, with less ado where their files are of the plainest forms.

Of a picture of 32 x 32 pixels Pillow takes twice as long to open the file, in Python, as to decode it.
"""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

from PIL import Image

__all__ = ["REFUSALS", "opened", "square"]

_PNG = b"\x89PNG\r\n\x1a\n"
_HEADER = struct.Struct(">4xIIBBBBB")  # of a PNG: name, width, height, bits, colours, compression, filter, interlace
_PNG_MODES = {0: "L", 2: "RGB"}
_JPEG_MODES = {1: "L", 3: "RGB"}
_LARGEST = 1 << 16
"""Bytes of a file, and pixels, beyond which opening it counts for nothing: Pillow reads this much at once."""


REFUSALS = (OSError, ValueError, SyntaxError, EOFError, Image.DecompressionBombError)
"""What Pillow raises for what is no readable picture."""


def square(data: bytes, size: int) -> Image.Image:
    """The middle of a picture, scaled (bilinear) to S x S, grey or in colour. Raises one of ``REFUSALS``."""
    picture = opened(data)
    plain = picture if picture.mode in ("L", "RGB") else picture.convert("RGB")
    width, height = plain.size
    if width == height == size:
        return plain
    side = min(width, height)
    left, top = (width - side) / 2, (height - side) / 2
    box = (left, top, left + side, top + side)
    return plain.resize((size, size), resample=Image.Resampling.BILINEAR, box=box)


def opened(data: bytes) -> Image.Image:
    """The picture of a file's content, loaded. Raises one of ``REFUSALS``."""
    plain = _plain(data) if len(data) < _LARGEST else None
    if plain is not None:
        mode, width, height, coded, decoder, options = plain
        try:
            return Image.frombytes(mode, (width, height), coded, decoder, *options)
        except (OSError, ValueError):  # which Pillow tells of in its own words
            pass
    picture = Image.open(io.BytesIO(data))
    picture.load()
    return picture


def _plain(data: bytes) -> tuple[str, int, int, bytes, str, tuple[Any, ...]] | None:
    """(mode, width, height, coded pixels, Pillow's decoder, its options), or None for what is not surely plain."""
    try:
        found = _png(data) if data.startswith(_PNG) else _jpeg(data) if data.startswith(b"\xff\xd8\xff") else None
    except (struct.error, IndexError):  # a file cut short
        return None
    return found if found is not None and 0 < found[1] * found[2] <= _LARGEST else None


def _png(data: bytes) -> tuple[str, int, int, bytes, str, tuple[Any, ...]] | None:
    """Of 8 bits, grey or in colour, not interlaced, with nothing but a header and pixels in one piece, all intact."""
    if int.from_bytes(data[8:12]) != 13 or data[12:16] != b"IHDR" or data[37:41] != b"IDAT":
        return None
    width, height, bits, colours, *others = _HEADER.unpack(data[12:29])
    end = 41 + int.from_bytes(data[33:37])
    is_whole = data[end + 4 :] == b"\x00\x00\x00\x00IEND\xaeB`\x82"
    sums = zlib.crc32(data[12:29]), zlib.crc32(data[37:end])
    if not is_whole or sums != (int.from_bytes(data[29:33]), int.from_bytes(data[end : end + 4])):
        return None
    if bits != 8 or colours not in _PNG_MODES or any(others):
        return None
    mode = _PNG_MODES[colours]
    return mode, width, height, data[41:end], "zip", (mode,)


def _jpeg(data: bytes) -> tuple[str, int, int, bytes, str, tuple[Any, ...]] | None:
    """Baseline, grey or in colour, with nothing but tables and a JFIF header before the pixels."""
    at, found = 2, None
    while True:
        if data[at] != 0xFF:
            return None
        kind, size = data[at + 1], int.from_bytes(data[at + 2 : at + 4])
        if kind == 0xC0:  # the header of a baseline picture
            bits, height, width, layers = struct.unpack(">BHHB", data[at + 4 : at + 10])
            if found is not None or bits != 8 or layers not in _JPEG_MODES:
                return None
            mode = _JPEG_MODES[layers]
            found = mode, width, height, data, "jpeg", (mode, "")
        elif kind == 0xDA:  # pixels follow
            return found
        elif kind not in (0xC4, 0xDB) and not (kind == 0xE0 and data[at + 4 : at + 9] == b"JFIF\x00"):
            return None
        at += 2 + size
