"""Import idx files, the format of MNIST, as class folders of PNG files or as packed datasets.

Format: http://yann.lecun.com/exdb/mnist/ (two zero bytes, type 8 = uint8, number of dimensions, sizes as big-endian
int32, then the data), plain or gzipped.
"""

import gzip
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from charcnn.datasets.formats.packed import is_packed, write_packed
from charcnn.datasets.labels import CLASSES_FILE, folder_names, write_classes
from charcnn.errors import ConfigError, DatasetError, OverwriteError
from charcnn.images.codec import write_image
from charcnn.storage.files import refuse_to_overwrite
from charcnn.storage.folders import replace_folder

_IMAGES_PER_REPORT = 500
"""Images between two calls of `on_progress`."""


def read_idx(path: Path) -> NDArray[np.uint8]:
    """Read an idx file of uint8 values. An uncompressed file is memory-mapped.

    Returns:
        uint8, of the shape that the file states: `[N]` for labels, `[N,H,W]` for images.

    Raises:
        DatasetError: the file is missing, not idx, not uint8, or its size does not match its header.
    """
    try:
        with path.open("rb") as stream:
            head = stream.read(16)
        size = path.stat().st_size
        if head[:2] == b"\x1f\x8b":
            whole = gzip.decompress(path.read_bytes())
            head, size = whole[:16], len(whole)
            data = np.frombuffer(whole, np.uint8)
        else:
            data = np.memmap(path, np.uint8, "r") if size else np.zeros(0, np.uint8)
    except (OSError, EOFError, zlib.error) as fault:
        raise DatasetError(f"{path} cannot be read: {fault}") from None
    if size < 8 or head[:3] != b"\0\0\x08" or not 1 <= head[3] <= 3:
        raise DatasetError(
            f"{path} is not an idx file of uint8.",
            "MNIST has, for example, train-images-idx3-ubyte.gz.",
        )
    start = 4 + 4 * head[3]
    shape = tuple(int.from_bytes(head[at : at + 4], "big") for at in range(4, start, 4))
    expected = start + int(np.prod(shape, dtype=object))
    if size != expected:
        raise DatasetError(f"{path} is damaged: it has {size} bytes, but its header says {expected}.")
    return data[start:].reshape(shape)


def import_idx(
    files: Sequence[Path],
    destination: Path,
    *,
    packed: bool = False,
    force: bool = False,
    on_progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> dict[Path, int]:
    """Write pairs of idx files (`train-images-…` and `train-labels-…`, likewise `t10k-…`) as datasets.

    Args:
        files: Image and label files in any order, paired by name.
        destination: Folder for `train/<label>/000001.png …` with `classes.txt`, and `test/…`; or for packed datasets.
        packed: Write packed datasets (`charcnn.datasets.formats.packed`) instead of one file per image.
        force: Write even if the folders contain other files.
        on_progress: Called with the number of images written and the total.

    Returns:
        Path of each new dataset → its number of images.

    Raises:
        ConfigError: a file has no counterpart.
        DatasetError: a file is damaged, or the files of a pair do not match.
        OverwriteError: a folder exists already, or contains a dataset in the other format.
    """
    pairs = [(split, *_read_pair(images, labels)) for split, images, labels in _pair_files(files)]
    for split, _, _ in pairs:
        target = destination / split
        refuse_to_overwrite(target, force)
        if target.exists() and is_packed(target) != packed:
            raise OverwriteError(
                f"{target} contains a dataset in the other format (see `packed`).", "Choose another `destination`."
            )
    total = sum(len(labels) for _, _, labels in pairs)
    written: dict[Path, int] = {}
    for split, images, labels in pairs:
        report = _continue_from(sum(written.values()), total, on_progress)
        with replace_folder(destination / split, lambda _: False, force) as folder:
            if packed:
                values, indices = np.unique(labels, return_inverse=True)
                write_packed(folder, images, indices.astype(np.int64), [str(value) for value in values], report)
            else:
                _write_folders(folder, images, labels, report)
        written[destination / split] = len(labels)
    return written


def _continue_from(start: int, total: int, on_progress: Callable[[int, int], None]) -> Callable[[int, int], None]:
    """Return a callback for a part of the work that begins after `start` images."""
    return lambda done, _part: on_progress(start + done, total)


def _write_folders(
    folder: Path, images: NDArray[np.uint8], labels: NDArray[np.uint8], on_progress: Callable[[int, int], None]
) -> None:
    folders = {label: name for name, label in folder_names(str(value) for value in np.unique(labels)).items()}
    for name in folders.values():
        (folder / name).mkdir()
    for number, (image, value) in enumerate(zip(images, labels, strict=True), 1):
        write_image(folder / folders[str(value)] / f"{number:06}.png", image)
        if number % _IMAGES_PER_REPORT == 0 or number == len(labels):
            on_progress(number, len(labels))
    write_classes(folder / CLASSES_FILE, {name: label for label, name in folders.items()})


def _pair_files(files: Sequence[Path]) -> list[tuple[str, Path, Path]]:
    """Return split name, image file and label file of each pair."""
    images = {path.name.split("images")[0].strip("-_."): path for path in files if "images" in path.name}
    labels = {path.name.split("labels")[0].strip("-_."): path for path in files if "labels" in path.name}
    odd = [path for path in files if path not in (*images.values(), *labels.values())]
    if odd or images.keys() != labels.keys() or not files:
        named = odd or [(images | labels)[key] for key in images.keys() ^ labels.keys()]
        raise ConfigError(
            f"No matching images or labels for {named[0]}" if named else "No idx files given.",
            "Pass both files of each pair, such as train-images-idx3-ubyte.gz and train-labels-idx1-ubyte.gz.",
        )
    pairs = [(_split_name(key), images[key], labels[key]) for key in images]
    if len({split for split, _, _ in pairs}) < len(pairs):
        raise ConfigError(
            "Two pairs would be written to the same folder.",
            "Import them one by one, each to its own `destination`.",
        )
    return sorted(pairs, key=lambda pair: pair[0] != "train")


def _split_name(key: str) -> str:
    return "test" if "t10k" in key or "test" in key else "train"


def _read_pair(images: Path, labels: Path) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    pictures, values = read_idx(images), read_idx(labels)
    if pictures.ndim != 3 or values.ndim != 1 or len(pictures) != len(values):
        raise DatasetError(f"{images} {pictures.shape} and {labels} {values.shape} do not match.")
    return pictures, values
