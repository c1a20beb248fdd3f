"""Read image files as gray uint8 arrays `[H,W]`, and write them.

Files are opened by Python and decoded from memory, so a path may contain any character on any system. OpenCV decodes
gray BMP and PNG files, the most common formats in datasets. Pillow decodes everything else, because it handles modes,
transparency and orientation. Both return the same pixels.
"""

import io
import os
import stat
import warnings
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from charcnn.errors import ImageError

if TYPE_CHECKING:
    from PIL import Image

Gray = NDArray[np.uint8]
"""A gray image: uint8 `[H,W]`."""

SUFFIXES = frozenset({".bmp", ".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff"})
"""File name suffixes of images, in lower case."""
_SUFFIX_TUPLE = tuple(SUFFIXES)
_PILLOW_FORMATS = ("BMP", "PNG", "JPEG", "WEBP", "TIFF", "GIF")
"""Formats that Pillow may decode, whatever the suffix. It supports others, some by running external programs."""
MAX_PIXELS = 100_000_000
"""Maximum number of pixels of an image (100 MB as gray). Larger images are rejected before they are decoded."""


def is_image(name: str) -> bool:
    """Return whether a file name has an image suffix and is not hidden."""
    return not name.startswith(".") and name.lower().endswith(_SUFFIX_TUPLE)


def read_image(path: Path | str) -> Gray:
    """Read an image file as gray.

    Returns:
        uint8 `[H,W]`, in the file's polarity, with transparency composited on white.

    Raises:
        ImageError: the file cannot be opened or is not an image.
    """
    return decode_image(read_bytes(path), str(path))


def read_bytes(path: Path | str) -> bytes:
    """Read the content of an image file.

    Raises:
        ImageError: the file is missing or unreadable, or the path is a folder, a pipe or a device.
    """
    try:
        file = os.open(path, _READ)
        try:
            info = os.fstat(file)
            if stat.S_ISDIR(info.st_mode):
                raise IsADirectoryError
            if not stat.S_ISREG(info.st_mode):
                raise ImageError(f"{path} is a pipe or a device, not an image.")
            data = os.read(file, info.st_size + 1)  # one byte more than the file has: a short read means its end
            if len(data) == info.st_size:
                return data
            with io.FileIO(file, closefd=False) as stream:  # a large file, or one that is still growing
                return data + stream.readall()
        finally:
            os.close(file)
    except IsADirectoryError:
        raise ImageError(f"{path} is a folder, not an image.") from None
    except FileNotFoundError:
        raise ImageError(f"{path} does not exist.") from None
    except OSError as fault:
        raise ImageError(f"{path} cannot be read: {fault.strerror or fault}") from None


_BINARY = getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
"""Flags that turn off line ending conversion on Windows, and inheritance by child processes."""
_READ = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | _BINARY
"""Flags for reading. Without `O_NONBLOCK`, opening a pipe that has no writer would block."""
_WRITE = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | _BINARY
"""Flags for writing."""


def decode_image(data: bytes, where: str) -> Gray:
    """Decode the bytes of an image file.

    Args:
        data: Content of the file.
        where: Name of the file, for error messages.

    Returns:
        uint8 `[H,W]`, in the file's polarity, with transparency composited on white.

    Raises:
        ImageError: the data is empty, truncated, not an image, or larger than `MAX_PIXELS`.
    """
    if not data:
        raise ImageError(f"{where} is empty.")
    if _is_plain_gray(data):
        gray = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_GRAYSCALE)
        if gray is not None:
            return np.asarray(gray, np.uint8)
    return _decode_with_pillow(data, where)


_BLACK_AND_WHITE_PALETTES = (b"\0\0\0\xff\xff\xff", b"\xff\xff\xff\0\0\0")
_GRAY_PALETTE = b"".join(bytes((level, level, level, 0)) for level in range(256))


def _is_plain_gray(data: bytes) -> bool:
    """Return whether OpenCV can decode the file as Pillow would.

    True for a complete 1- or 8-bit gray BMP or PNG without transparency and without an orientation tag, of at most
    `MAX_PIXELS`.
    """
    return _is_plain_gray_png(data) or _is_plain_gray_bmp(data)


def _is_plain_gray_png(data: bytes) -> bool:
    if len(data) < 57 or data[:8] != b"\x89PNG\r\n\x1a\n" or data[12:16] != b"IHDR":
        return False
    width, height = int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big")
    if data[24] not in (1, 8) or data[25] != 0 or width * height > MAX_PIXELS:
        return False
    at = 8
    while at + 12 <= len(data):  # chunks: length, name, content, checksum
        name = data[at + 4 : at + 8]
        if name in (b"tRNS", b"eXIf", b"acTL"):
            return False
        at += 12 + int.from_bytes(data[at : at + 4], "big")
        if name == b"IEND":
            return at == len(data)
    return False


def _is_plain_gray_bmp(data: bytes) -> bool:
    if data[:2] != b"BM" or data[14:18] != b"\x28\0\0\0" or data[30:34] != b"\0\0\0\0":
        return False
    width, height = int.from_bytes(data[18:22], "little"), int.from_bytes(data[22:26], "little", signed=True)
    bits, offset = int.from_bytes(data[28:30], "little"), int.from_bytes(data[10:14], "little")
    has_bw_palette = data[54:57] + data[58:61] in _BLACK_AND_WHITE_PALETTES
    has_gray_palette = data[54:1078] == _GRAY_PALETTE
    is_complete = offset + (width * bits + 31) // 32 * 4 * height <= len(data)
    is_gray = (bits == 1 and has_bw_palette) or (bits == 8 and has_gray_palette)
    return is_gray and is_complete and height > 0 and width > 0 and width * height <= MAX_PIXELS


def _decode_with_pillow(data: bytes, where: str) -> Gray:
    from PIL import Image, ImageOps, UnidentifiedImageError  # slow to import, and not needed for most datasets

    _silence_pillow()
    try:
        with Image.open(io.BytesIO(data), formats=_PILLOW_FORMATS) as image:
            if image.width * image.height > MAX_PIXELS:
                raise Image.DecompressionBombError
            return _to_gray(ImageOps.exif_transpose(image), where)
    except Image.DecompressionBombError:
        raise ImageError(f"{where} is larger than {MAX_PIXELS // 1_000_000} million pixels.") from None
    except UnidentifiedImageError:
        raise ImageError(f"{where} is not a readable image.") from None
    except (OSError, ValueError, SyntaxError, TypeError, EOFError, IndexError, OverflowError, MemoryError) as fault:
        # raised by Pillow's decoders for truncated and malicious files
        raise ImageError(f"{where} is damaged ({fault}).") from None


@cache
def _silence_pillow() -> None:
    """Silence Pillow's warning about large images, once: filters are global. `MAX_PIXELS` is checked instead."""
    from PIL import Image

    warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)


def _to_gray(image: "Image.Image", where: str) -> Gray:
    from PIL import Image

    mode = image.mode
    if mode.startswith("I") or mode == "F":
        return _scale_to_8_bits(np.asarray(image), mode, where)
    if mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return np.asarray(image.convert("L"), np.uint8).copy()


def _scale_to_8_bits(values: NDArray[np.generic], mode: str, where: str) -> Gray:
    """Scale integers and floats to 8 bits.

    The maximum is assumed to be the smallest of 1 (floats only), 255, 65535 and 2³¹ - 1 that no pixel exceeds.
    """
    wide = values.astype(np.float64)
    if not np.isfinite(wide).all():
        raise ImageError(f"{where} contains NaN or infinite pixels.")
    top = float(wide.max(initial=0))
    ranges = [255.0, 65535.0] if mode != "F" else [1.0, 255.0, 65535.0]
    full = next((limit for limit in ranges if top <= limit), 2.0**31 - 1)
    return np.rint(np.clip(wide / full, 0, 1) * 255).astype(np.uint8)


def encode_image(image: Gray, suffix: str) -> bytes:
    """Encode a gray image in the format of a suffix (`.bmp`, `.png`, `.jpg`, `.webp`, `.tif`).

    Raises:
        ImageError: the suffix is not one of `SUFFIXES`.
    """
    kind = suffix.lower()
    if kind not in SUFFIXES:
        raise ImageError(
            f"{suffix or 'A name without a suffix'} is not an image format.",
            f"Known: {', '.join(sorted(SUFFIXES))}",
        )
    options = [cv2.IMWRITE_JPEG_QUALITY, 95] if kind in (".jpg", ".jpeg") else []
    return cv2.imencode(kind, image, options)[1].tobytes()


def write_image(path: Path | str, image: Gray) -> None:
    """Write a gray image, uint8 `[H,W]`, in the format of the path's suffix.

    Raises:
        ImageError: the suffix is not one of `SUFFIXES`.
        OSError: the file cannot be written.
    """
    write_bytes(path, encode_image(image, os.path.splitext(path)[1]))  # noqa: PTH122 ten times as fast


def write_bytes(path: Path | str, data: bytes) -> None:
    """Write data to a file. An existing file is overwritten.

    Raises:
        OSError: the file cannot be written.
    """
    file = os.open(path, _WRITE, 0o666)  # unbuffered, because the files are small
    try:
        while data:
            data = data[os.write(file, data) :]
    finally:
        os.close(file)
