"""The same command gives the same bytes every time, with any number of jobs."""

import hashlib
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow


def charcnn(*words: str | Path) -> None:
    subprocess.run([sys.executable, "-m", "charcnn", *map(str, words)], check=True, capture_output=True)


def digest(root: Path) -> str:
    """Return the SHA-256 of the names and contents of all images in a folder."""
    total = hashlib.sha256()
    files = [path for path in root.rglob("*") if path.suffix in (".png", ".bmp")]
    assert len(files) > 40
    for path in sorted(files):
        total.update(str(path.relative_to(root)).encode() + path.read_bytes())
    return total.hexdigest()


def test_three_equal_trainings_give_equal_weights(starter: Path, tmp_path: Path) -> None:
    found = set()
    for number in range(3):
        root = tmp_path / str(number)
        settings = ("--epochs", "3", "--augment", "strong", "--threads", "2")
        charcnn("train", "--data", starter / "train", *settings, "--registry", root)
        found.add(hashlib.sha256((root / "chars12/1/model.safetensors").read_bytes()).hexdigest())
    assert len(found) == 1


def test_images_do_not_depend_on_the_number_of_jobs(starter: Path, tmp_path: Path) -> None:
    drawn, turned = set(), set()
    for jobs in ("1", "4", "4"):
        place = tmp_path / str(len(list(tmp_path.iterdir())))
        charcnn("synth", "安守宁", "--per-class", "60", "-o", place / "drawn", "--jobs", jobs)
        charcnn("augment", starter / "ttest", place / "turned", "--jobs", jobs)
        drawn.add(digest(place / "drawn"))
        turned.add(digest(place / "turned"))
    assert (len(drawn), len(turned)) == (1, 1)
