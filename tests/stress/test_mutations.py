"""Damaged files are read or refused by name, without a crash and with limited memory."""

import io
import json
import multiprocessing
import random
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from charcnn.errors import CharcnnError, ImageError
from charcnn.images.codec import decode_image
from charcnn.registry.store import Registry
from charcnn.registry.version import CARD_FILE, open_version

pytestmark = pytest.mark.slow

SPAWN = multiprocessing.get_context("spawn")
MEGABYTE = 1 << 20


def mutated(data: bytes, draw: random.Random) -> bytes:
    """Return a mutated copy: flip bits, insert bytes, or remove, repeat or overwrite parts."""
    changed = bytearray(data)
    for _ in range(draw.choice([1, 1, 1, 3, 20])):
        at = draw.randrange(len(changed) + 1)
        match draw.randrange(6):
            case 0 if changed:
                changed[at - 1] ^= 1 << draw.randrange(8)
            case 1:
                changed[at:at] = draw.randbytes(draw.randrange(9))
            case 2:
                del changed[at : at + draw.randrange(200)]
            case 3:
                changed[at : at + 4] = draw.choice([b"\xff" * 4, b"\0" * 4, b"\x7f\xff\xff\xff", b"\xff\xff\xff\x7f"])
            case 4:
                changed[at:at] = changed[at : at + 64]
            case 5:
                del changed[at:]
    return bytes(changed)


def read_mutated_images(count: int, answers: Any) -> None:
    draw = random.Random(0)
    noise = np.random.default_rng(0).integers(0, 256, (40, 48), np.uint8)
    whole = []
    for mode, kinds in (
        ("L", ("PNG", "BMP", "JPEG", "TIFF", "GIF", "WEBP")),
        ("1", ("PNG", "BMP", "TIFF")),
        ("RGBA", ("PNG", "TIFF", "WEBP")),
        ("P", ("PNG", "BMP", "GIF")),
        ("CMYK", ("JPEG", "TIFF")),
        ("I;16", ("PNG", "TIFF")),
        ("F", ("TIFF",)),
    ):
        picture = Image.fromarray(noise).convert("I;16" if mode == "I;16" else mode)
        for kind in kinds:
            stream = io.BytesIO()
            picture.save(stream, kind)
            whole.append(stream.getvalue())
    for name in ("GIF", "TIFF", "PNG"):
        stream = io.BytesIO()
        frames = [Image.fromarray(np.roll(noise, n, 1)) for n in range(4)]
        frames[0].save(stream, name, save_all=True, append_images=frames[1:])
        whole.append(stream.getvalue())
    read = 0
    for number in range(count):
        data = mutated(whole[number % len(whole)], draw)
        try:
            picture_read = decode_image(data, "it")
        except ImageError:
            continue
        assert picture_read.dtype == np.uint8
        assert picture_read.ndim == 2
        read += 1
    status = Path("/proc/self/status").read_text()  # getrusage would include the parent process
    answers.put((read, int(status.split("VmHWM:")[1].split()[0]) // 1024))


@pytest.mark.skipif(sys.platform != "linux", reason="reads the peak of memory from /proc")
def test_mutated_images_are_read_or_refused_in_little_memory() -> None:
    answers = SPAWN.Queue()
    process = SPAWN.Process(target=read_mutated_images, args=(5000, answers))
    process.start()
    read, megabytes = answers.get(timeout=500)
    process.join()
    assert process.exitcode == 0
    assert 500 < read < 4500  # some mutations are harmless, but most are not
    assert megabytes < 1000


def test_mutated_cards_are_read_or_refused(tmp_path: Path) -> None:
    from tests.support.cards import publish

    version, draw = publish(Registry(tmp_path / "registry")), random.Random(0)
    text = version.text
    card = tmp_path / "copy" / CARD_FILE
    card.parent.mkdir()
    odd: list[Any] = [
        None,
        -1,
        10**400,
        1e300,
        "",
        "../..",
        "/etc",
        "\0",
        [],
        {},
        [[]] * 9,
        True,
        "x" * 10_000,
        {"a": 1},
    ]
    opened = 0
    for number in range(2000):
        if number % 2:
            card.write_bytes(mutated(text, draw))
        else:
            document = json.loads(text)
            place = document
            while (
                (key := draw.choice(list(place)))
                and isinstance(place[key], dict)
                and place[key]
                and draw.random() < 0.7
            ):
                place = place[key]
            if draw.random() < 0.2:
                place[draw.choice(["extra", "__class__", "files"])] = draw.choice(odd)
            else:
                place[key] = draw.choice(odd)
            card.write_text(json.dumps(document), encoding="utf-8")
        try:
            copy = open_version(card.parent)
        except CharcnnError:
            continue
        opened += 1
        for name in copy.card.files:
            with pytest.raises(CharcnnError):
                copy.file(name)  # the files do not exist
            assert (card.parent / name).parent == card.parent
    assert 0 < opened < 1500


WORDS = st.one_of(
    st.text(max_size=400),
    st.lists(st.sampled_from(["..", ".", "/", "\\", "@", "small", "1", "latest", "\0", "~", "C:", "con", "博"])).map(
        "".join
    ),
    st.binary(max_size=60).map(lambda raw: raw.decode("utf-8", "surrogateescape")),
)


def test_no_reference_leads_out_of_the_registry(tmp_path: Path) -> None:
    from tests.support.cards import publish

    registry = Registry(tmp_path / "registry")
    inside = publish(registry).folder.resolve()
    before = sorted(tmp_path.rglob("*"))

    @settings(max_examples=2000, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(WORDS)
    def look_up(word: str) -> None:
        try:
            found = registry.find(word)
        except CharcnnError:
            return
        assert registry.open(found).folder.resolve() == inside

    look_up()
    assert sorted(tmp_path.rglob("*")) == before


def test_every_flipped_bit_is_found(tmp_path: Path) -> None:
    from tests.support.cards import publish

    registry, draw = Registry(tmp_path), random.Random(0)
    version = publish(registry)
    files = sorted(version.folder.iterdir())
    found = 0
    for number in range(200):
        path = files[number % len(files)]
        whole = path.read_bytes()
        changed, at = bytearray(whole), draw.randrange(len(whole))
        changed[at] ^= 1 << draw.randrange(8)
        path.write_bytes(changed)
        found += registry.problems(registry.find("small")) == [f"{path.name} was modified"]
        path.write_bytes(whole)
    assert found == 200
