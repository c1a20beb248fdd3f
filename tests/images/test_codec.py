"""Image files of every format are read as gray images, and errors name the file."""

import io
import random
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image, ImageFile

from charcnn.errors import ImageError
from charcnn.images.codec import SUFFIXES, Gray, decode_image, encode_image, is_image, read_image, write_image
from charcnn.storage.paths import natural_key


def _ramp() -> Gray:
    """All 256 levels, 16 × 16."""
    return np.arange(256, dtype=np.uint8).reshape(16, 16)


def _drawing() -> Gray:
    """A black L on white paper, 20 × 30, which differs from all of its rotations and mirror images."""
    picture = np.full((20, 30), 255, np.uint8)
    picture[3:17, 4:8] = 0
    picture[13:17, 4:22] = 0
    return picture


def _encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def _png_chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def _png_declaring(width: int, height: int, color: int = 0) -> bytes:
    """A PNG file that declares a large size, but contains only one row."""
    header = _png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, color, 0, 0, 0))
    content = _png_chunk(b"IDAT", zlib.compress(b"\0" * 100))
    return b"\x89PNG\r\n\x1a\n" + header + content + _png_chunk(b"IEND", b"")


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF"])
def test_an_eight_bit_gray_file_reads_as_it_is(kind: str) -> None:
    assert np.array_equal(decode_image(_encoded(Image.fromarray(_ramp()), kind), "x"), _ramp())


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF"])
def test_a_one_bit_file_reads_as_black_and_white(kind: str) -> None:
    image = Image.fromarray(_drawing()).convert("1")
    assert np.array_equal(decode_image(_encoded(image, kind), "x"), _drawing())


def test_a_one_bit_bmp_with_white_first_in_its_palette_reads_right() -> None:
    palette_swapped = bytearray(_encoded(Image.fromarray(255 - _drawing()).convert("1"), "BMP"))
    assert palette_swapped[54:62] == b"\0\0\0\0\xff\xff\xff\0"
    palette_swapped[54:62] = b"\xff\xff\xff\0\0\0\0\0"
    assert np.array_equal(decode_image(bytes(palette_swapped), "x"), _drawing())


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_sixteen_bits_become_eight(kind: str) -> None:
    image = Image.fromarray(_ramp().astype(np.uint16) * 257)
    assert np.array_equal(decode_image(_encoded(image, kind), "x"), _ramp())


def test_a_sixteen_bit_file_of_the_other_byte_order_reads_the_same() -> None:
    ramp = np.ascontiguousarray(_ramp().astype(">u2") * np.uint16(257)).astype(">u2")
    big_endian = Image.frombytes("I;16B", (16, 16), ramp.tobytes())
    assert np.array_equal(decode_image(_encoded(big_endian, "TIFF"), "x"), _ramp())


@pytest.mark.parametrize("full", [1.0, 255.0, 65535.0])
def test_a_floating_tiff_is_scaled_by_the_range_of_its_values(full: float) -> None:
    image = Image.fromarray((_ramp() / 255 * full).astype(np.float32))
    assert np.array_equal(decode_image(_encoded(image, "TIFF"), "x"), _ramp())


def test_a_float_tiff_with_nan_pixels_is_an_error() -> None:
    values = _ramp().astype(np.float32)
    values[3, 3] = np.nan
    with pytest.raises(ImageError, match=r"holes\.tif"):
        decode_image(_encoded(Image.fromarray(values), "TIFF"), "holes.tif")


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF", "WEBP"])
def test_gray_in_three_channels_reads_as_the_same_gray(kind: str) -> None:
    image = Image.fromarray(_drawing()).convert("RGB")
    options = {"lossless": True} if kind == "WEBP" else {}
    assert np.array_equal(decode_image(_encoded(image, kind, **options), "x"), _drawing())


def test_colors_become_gray_by_their_brightness() -> None:
    colors = np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 255], [0, 0, 0]]], np.uint8)
    red, green, blue, white, black = decode_image(_encoded(Image.fromarray(colors), "PNG"), "x")[0].astype(int)
    assert (white, black) == (255, 0)
    assert 255 > green > red > blue > 0


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_what_is_transparent_is_white_paper(mode: str, kind: str) -> None:
    black = Image.new("L", (30, 20), 0)
    image = black.convert(mode)
    image.putalpha(Image.fromarray(255 - _drawing()))  # all pixels are black, but only the ink is opaque
    assert np.array_equal(decode_image(_encoded(image, kind), "x"), _drawing())


def test_half_transparent_black_is_middle_gray() -> None:
    image = Image.new("RGBA", (4, 4), (0, 0, 0, 128))
    assert np.unique(decode_image(_encoded(image, "PNG"), "x")).tolist() == [127]


def test_a_palette_reads_by_its_colors() -> None:
    image = Image.fromarray((_drawing() == 0).astype(np.uint8), "P")
    image.putpalette([255, 255, 255, 0, 0, 0])
    assert np.array_equal(decode_image(_encoded(image, "PNG"), "x"), _drawing())
    assert np.array_equal(decode_image(_encoded(image, "BMP"), "x"), _drawing())


@pytest.mark.parametrize("transparency", [0, b"\0\xff"])
def test_a_transparent_palette_entry_is_white_paper(transparency: int | bytes) -> None:
    image = Image.fromarray((_drawing() == 0).astype(np.uint8), "P")
    image.putpalette([0, 255, 0, 0, 0, 0])  # the paper is green, but transparent
    assert np.array_equal(decode_image(_encoded(image, "PNG", transparency=transparency), "x"), _drawing())


@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_a_transparent_color_is_white_paper(mode: str) -> None:
    levels = np.where(_drawing() == 0, 0, 200).astype(np.uint8)
    transparent: int | tuple[int, ...] = 200 if mode == "L" else (200, 200, 200)
    data = _encoded(Image.fromarray(levels).convert(mode), "PNG", transparency=transparent)
    assert np.array_equal(decode_image(data, "x"), _drawing())


def test_a_jpeg_is_nearly_what_was_drawn() -> None:
    large = np.kron(_drawing(), np.ones((8, 8), np.uint8))
    for mode in ("L", "RGB"):
        read = decode_image(_encoded(Image.fromarray(large).convert(mode), "JPEG", quality=95), "x")
        assert np.abs(read.astype(int) - large).max() < 30


def test_a_cmyk_jpeg_is_dark_on_light() -> None:
    large = np.kron(_drawing(), np.ones((8, 8), np.uint8))
    cmyk = Image.fromarray(large).convert("RGB").convert("CMYK")
    read = decode_image(_encoded(cmyk, "JPEG", quality=95), "x")
    assert np.abs(read.astype(int) - large).max() < 30


# how a camera stores an upright image for each EXIF orientation
_STORED: dict[int, Callable[[Gray], Gray]] = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.T,
    6: lambda a: np.rot90(a, 1),
    7: lambda a: np.rot90(a.T, 2),
    8: lambda a: np.rot90(a, -1),
}


@pytest.mark.parametrize("orientation", _STORED)
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_a_rotated_photo_is_turned_upright(kind: str, orientation: int) -> None:
    large = np.kron(_drawing(), np.ones((8, 8), np.uint8))
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = Image.fromarray(np.ascontiguousarray(_STORED[orientation](large)))
    read = decode_image(_encoded(stored, kind, exif=exif, quality=95), "x")
    assert read.shape == large.shape
    assert np.abs(read.astype(int) - large).max() < 40


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_an_animation_reads_as_its_first_picture(kind: str) -> None:
    first, second = (Image.fromarray(a).convert("RGB") for a in (_drawing(), 255 - _drawing()))
    options = {"lossless": True} if kind == "WEBP" else {}
    data = _encoded(first, kind, save_all=True, append_images=[second], duration=100, **options)
    with Image.open(io.BytesIO(data)) as image:
        assert getattr(image, "n_frames", 1) == 2
    assert np.array_equal(decode_image(data, "x"), _drawing())


@pytest.mark.parametrize("mode", ["1", "L", "RGB"])
def test_a_bmp_stored_from_the_top_down_is_not_upside_down(mode: str) -> None:
    image = Image.fromarray(_drawing()).convert(mode)
    bottom_up = _encoded(image, "BMP")
    offset, height = int.from_bytes(bottom_up[10:14], "little"), image.height
    line = (len(bottom_up) - offset) // height
    lines = [bottom_up[offset + row * line :][:line] for row in reversed(range(height))]
    top_down = bottom_up[:22] + (-height).to_bytes(4, "little", signed=True) + bottom_up[26:offset] + b"".join(lines)
    assert np.array_equal(decode_image(top_down, "x"), _drawing())


@pytest.mark.parametrize("name", ["汉字.png", "a b  c.bmp", "✍️🙂.png", "é.tif", "100%.webp", "a'b\"c.jpg"])
def test_a_path_may_hold_any_character(world: Path, name: str) -> None:
    path = world / "我的 数据 😀" / name
    path.parent.mkdir()
    write_image(path, _drawing())
    assert read_image(path).shape == _drawing().shape
    assert (read_image(path) < 128).sum() == (_drawing() < 128).sum()


def test_a_fast_path_file_gives_a_picture_of_its_own() -> None:
    first, second = (decode_image(encode_image(_drawing(), ".png"), "x") for _ in range(2))
    first[:] = 7
    assert np.array_equal(second, _drawing())


def test_real_one_bit_bmp_files_read_as_pillow_reads_them(fudan12: Path) -> None:
    for path in sorted(fudan12.glob("train/*/*.bmp"))[::40]:
        with Image.open(path) as image:
            expected = np.asarray(image.convert("L"))
        assert np.array_equal(read_image(path), expected), path


def test_real_gray_png_files_read_as_pillow_reads_them(casia20: Path) -> None:
    for path in sorted(casia20.glob("train/*/*.png"))[::40]:
        with Image.open(path) as image:
            expected = np.asarray(image.convert("L"))
        assert np.array_equal(read_image(path), expected), path


@pytest.mark.parametrize("suffix", [".bmp", ".png", ".tif", ".tiff", ".BMP", ".PNG"])
@settings(deadline=None, max_examples=25)
@given(image=arrays(np.uint8, st.tuples(st.integers(1, 40), st.integers(1, 40))))
def test_what_is_written_without_loss_reads_back(suffix: str, image: Gray) -> None:
    read = decode_image(encode_image(image, suffix), "x")
    assert read.dtype == np.uint8
    assert np.array_equal(read, image)


@pytest.mark.parametrize("suffix", sorted(SUFFIXES))
def test_every_known_suffix_can_be_written_and_read(world: Path, suffix: str) -> None:
    large = np.kron(_drawing(), np.ones((8, 8), np.uint8))
    write_image(world / f"x{suffix}", large)
    assert np.abs(read_image(world / f"x{suffix}").astype(int) - large).max() < 30


@pytest.mark.parametrize("name", ["x.gif", "x.txt", "x"])
def test_an_unknown_suffix_is_not_written(world: Path, name: str) -> None:
    with pytest.raises(ImageError) as caught:
        write_image(world / name, _drawing())
    assert ".png" in caught.value.hint
    assert not (world / name).exists()


def test_an_empty_file_is_named(world: Path) -> None:
    path = world / "nothing.png"
    path.touch()
    with pytest.raises(ImageError, match=r"nothing\.png is empty"):
        read_image(path)


def test_a_text_renamed_to_png_is_named(world: Path) -> None:
    path = world / "letter.png"
    path.write_text("Dear all,\n" * 50, encoding="utf-8")
    with pytest.raises(ImageError, match=r"letter\.png"):
        read_image(path)


def test_a_folder_named_like_an_image_is_named(world: Path) -> None:
    (world / "x.png").mkdir()
    with pytest.raises(ImageError, match=r"x\.png is a folder"):
        read_image(world / "x.png")


def test_a_missing_file_is_named(world: Path) -> None:
    with pytest.raises(ImageError, match=r"no\.png does not exist"):
        read_image(world / "no.png")


_WHOLE = {
    "gray.png": _encoded(Image.fromarray(_ramp()), "PNG"),
    "color.png": _encoded(Image.fromarray(_ramp()).convert("RGB"), "PNG"),
    "bit.png": _encoded(Image.fromarray(_drawing()).convert("1"), "PNG"),
    "gray.bmp": _encoded(Image.fromarray(_ramp()), "BMP"),
    "bit.bmp": _encoded(Image.fromarray(_drawing()).convert("1"), "BMP"),
    "color.bmp": _encoded(Image.fromarray(_ramp()).convert("RGB"), "BMP"),
    "gray.jpg": _encoded(Image.fromarray(_ramp()), "JPEG"),
    "gray.webp": _encoded(Image.fromarray(_ramp()), "WEBP", lossless=True),
    "gray.tif": _encoded(Image.fromarray(_ramp()), "TIFF"),
    "packed.tif": _encoded(Image.fromarray(_ramp()), "TIFF", compression="tiff_lzw"),
}


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")  # Pillow's warning about a truncated TIFF
@pytest.mark.parametrize("name", _WHOLE)
def test_a_file_cut_anywhere_is_refused_or_complete(name: str) -> None:
    data = _WHOLE[name]
    whole, messages = decode_image(data, name), []
    for length in range(len(data)):
        try:
            read = decode_image(data[:length], name)
        except ImageError as fault:
            messages.append(fault.message)
        else:
            assert np.array_equal(read, whole), f"{length} of {len(data)} bytes read as another picture"
    assert len(messages) > len(data) // 3
    assert all(name in message for message in messages)


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize("name", _WHOLE)
def test_a_file_with_wrong_bytes_is_a_picture_or_an_image_error(name: str) -> None:
    random_bytes = random.Random(name)
    outcomes, messages = set(), []
    for _ in range(100):
        data = bytearray(_WHOLE[name])
        for _ in range(random_bytes.randrange(1, 4)):
            data[random_bytes.randrange(len(data))] = random_bytes.randrange(256)
        try:
            outcomes.add(decode_image(bytes(data), name).dtype)
        except ImageError as fault:
            messages.append(fault.message)
    assert outcomes <= {np.dtype(np.uint8)}
    assert all(name in message for message in messages)
    assert messages


@settings(deadline=None)
@given(data=st.binary(min_size=1, max_size=80), start=st.sampled_from([b"", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", b"BM"]))
@example(data=b"\0", start=b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR")
def test_random_bytes_raise_an_image_error(data: bytes, start: bytes) -> None:
    with pytest.raises(ImageError, match="junk"):
        decode_image(start + data, "junk")


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize("side", [12_000, 30_000, 2**31 - 1])
@pytest.mark.parametrize("color", [0, 2])
def test_a_file_that_declares_a_huge_size_is_refused_before_it_is_decoded(
    world: Path, monkeypatch: pytest.MonkeyPatch, side: int, color: int
) -> None:
    def decoded(*_: object) -> None:
        pytest.fail("the file was decoded")

    monkeypatch.setattr(ImageFile.ImageFile, "load", decoded)
    monkeypatch.setattr(cv2, "imdecode", decoded)
    path = world / "bomb.png"
    path.write_bytes(_png_declaring(side, side, color))
    with pytest.raises(ImageError, match=r"bomb\.png.*million"):
        read_image(path)


_MEASURE = """
import re
from pathlib import Path
from charcnn.errors import ImageError
from charcnn.images.codec import read_image

def peak():
    return int(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1])

before = peak()
try:
    read_image(Path("bomb.png"))
except ImageError:
    pass
print(peak() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_png_whose_data_says_it_is_long_takes_little_memory(world: Path) -> None:
    data = bytearray(_encoded(Image.fromarray(_ramp()), "PNG"))
    start = data.index(b"IDAT") - 4
    data[start : start + 4] = (2**29).to_bytes(4, "big")
    (world / "bomb.png").write_bytes(data)
    run = subprocess.run([sys.executable, "-c", _MEASURE], capture_output=True, text=True, check=True, cwd=world)
    assert int(run.stdout) < 100_000, "more than 100 MB for a file of 200 bytes"


def test_a_bmp_that_declares_a_huge_size_is_refused(world: Path) -> None:
    data = bytearray(_encoded(Image.fromarray(_ramp()), "BMP"))
    data[18:26] = struct.pack("<ii", 30_000, 30_000)
    (world / "bomb.bmp").write_bytes(data)
    with pytest.raises(ImageError, match=r"bomb\.bmp"):
        read_image(world / "bomb.bmp")


@pytest.mark.parametrize("name", ["a.png", "1.BMP", "汉.jpg", "x.y.jpeg", "x.tif", "x.Tiff", "x.webp"])
def test_images_are_known_by_their_suffix(name: str) -> None:
    assert is_image(name)


@pytest.mark.parametrize("name", [".a.png", "._1.bmp", ".png", "a.txt", "png", "a.png.bak", "a.gif", "Thumbs.db", ""])
def test_other_files_and_hidden_files_are_not_images(name: str) -> None:
    assert not is_image(name)


def test_names_sort_in_natural_order() -> None:
    names = ["10.bmp", "a.bmp", "2.bmp", "B.bmp", "1.bmp", "b.bmp", "a10.bmp", "a9.bmp"]
    assert " ".join(sorted(names, key=natural_key)) == "1.bmp 2.bmp 10.bmp a9.bmp a10.bmp a.bmp B.bmp b.bmp"


@given(st.text(max_size=5).filter(lambda text: not text[-1:].isdigit()), st.integers(0, 10**9), st.integers(0, 10**9))
def test_the_smaller_number_sorts_first(prefix: str, one: int, other: int) -> None:
    assert (natural_key(f"{prefix}{one}") < natural_key(f"{prefix}{other}")) == (one < other)


@given(st.lists(st.text("aAbB019.汉é²٣ -", max_size=6), unique=True), st.randoms())
def test_natural_order_does_not_depend_on_the_input_order(names: list[str], shuffler: random.Random) -> None:
    mixed = names.copy()
    shuffler.shuffle(mixed)
    assert sorted(mixed, key=natural_key) == sorted(names, key=natural_key)
