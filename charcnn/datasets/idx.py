"""The idx files of MNIST and its kin → class folders of PNG files.

Format: http://yann.lecun.com/exdb/mnist/ (two zero bytes, type 8 = uint8, number of dimensions, sizes as big-endian
int32, then the data), plain or gzipped.
"""

import gzip
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from charcnn.datasets.labels import CLASSES_FILE, folder_names, write_classes
from charcnn.errors import ConfigError, DatasetError, OverwriteError
from charcnn.images.folder import new_folder
from charcnn.images.io import write_image


def read_idx(path: Path) -> NDArray[np.uint8]:
    """Reads an idx file of uint8.

    Returns:
        uint8, of the shape that the file states: `[N]` for labels, `[N,H,W]` for images.

    Raises:
        DatasetError: no such file, not idx, not uint8, or shorter or longer than its header says.
    """
    try:
        data = path.read_bytes()
        if data[:2] == b"\x1f\x8b":
            data = gzip.decompress(data)
    except (OSError, EOFError, zlib.error) as fault:
        raise DatasetError(f"{path} cannot be read: {fault}") from None
    if len(data) < 8 or data[:3] != b"\0\0\x08" or not 1 <= data[3] <= 3:
        raise DatasetError(
            f"{path} is no idx file of uint8.", "MNIST's are named train-images-idx3-ubyte.gz and so on."
        )
    start = 4 + 4 * data[3]
    shape = tuple(int.from_bytes(data[at : at + 4], "big") for at in range(4, start, 4))
    expected = start + int(np.prod(shape, dtype=object))
    if len(data) != expected:
        raise DatasetError(f"{path} is damaged: {len(data)} bytes, its header says {expected}.")
    return np.frombuffer(data, np.uint8, offset=start).reshape(shape)


def import_idx(
    files: Sequence[Path],
    destination: Path,
    *,
    force: bool = False,
    on_progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> dict[Path, int]:
    """Writes pairs of idx files (`train-images-…` and `train-labels-…`, `t10k-…` likewise) as class folders.

    Args:
        files: Images and labels, in any order; paired by name.
        destination: Gets `train/<label>/000001.png …`, `test/…` and `classes.txt`.
        force: Write although folders hold other files.
        on_progress: Called with images written and images in all.

    Returns:
        Each dataset written → its number of images.

    Raises:
        ConfigError: a file has no partner.
        DatasetError: a file is damaged, or a pair does not fit together.
        OverwriteError: a folder holds files already.
    """
    pairs = [(split, *_read_pair(images, labels)) for split, images, labels in _pairs(files)]
    for split, _, _ in pairs:
        if (destination / split).exists() and not force:
            raise OverwriteError(
                f"{destination / split} is there already.", "Name another folder with -o, or add --force."
            )
    total, done = sum(len(labels) for _, _, labels in pairs), 0
    written = {}
    for split, images, labels in pairs:
        folders = {label: folder for folder, label in folder_names(str(value) for value in np.unique(labels)).items()}
        with new_folder(destination / split, lambda _: False, force) as folder:
            for name in folders.values():
                (folder / name).mkdir()
            for number, (image, value) in enumerate(zip(images, labels, strict=True), 1):
                write_image(folder / folders[str(value)] / f"{number:06}.png", image)
                if number % 500 == 0 or number == len(labels):
                    on_progress(done + number, total)
            write_classes(folder / CLASSES_FILE, {name: label for label, name in folders.items()})
        done += len(labels)
        written[destination / split] = len(labels)
    return written


def _pairs(files: Sequence[Path]) -> list[tuple[str, Path, Path]]:
    """Split name, images, labels."""
    images = {path.name.split("images")[0].strip("-_."): path for path in files if "images" in path.name}
    labels = {path.name.split("labels")[0].strip("-_."): path for path in files if "labels" in path.name}
    odd = [path for path in files if path not in (*images.values(), *labels.values())]
    if odd or images.keys() != labels.keys() or not files:
        named = odd or [(images | labels)[key] for key in images.keys() ^ labels.keys()]
        raise ConfigError(
            f"No pair of images and labels: {named[0]}" if named else "No idx files were named.",
            "Name both of each pair: charcnn data import idx train-images-idx3-ubyte.gz train-labels-idx1-ubyte.gz",
        )
    pairs = [(_split_name(key), images[key], labels[key]) for key in images]
    if len({split for split, _, _ in pairs}) < len(pairs):
        raise ConfigError(
            "Two pairs would be written to one folder.", "Import them one at a time, each with its own -o."
        )
    return sorted(pairs, key=lambda pair: pair[0] != "train")


def _split_name(key: str) -> str:
    return "test" if "t10k" in key or "test" in key else "train"


def _read_pair(images: Path, labels: Path) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    pictures, values = read_idx(images), read_idx(labels)
    if pictures.ndim != 3 or values.ndim != 1 or len(pictures) != len(values):
        raise DatasetError(f"{images} {pictures.shape} and {labels} {values.shape} do not fit together.")
    return pictures, values
