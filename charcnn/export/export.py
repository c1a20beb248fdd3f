"""A version in the registry → one file for other programs: ONNX, PT2 or safetensors. ONNX needs no torch."""

import shutil
from pathlib import Path
from typing import get_args

from charcnn.errors import ConfigError, IntegrityError
from charcnn.inference.predictor import Predictor
from charcnn.registry.version import ONNX_FILE, Version
from charcnn.specs.choices import ExportFormat
from charcnn.storage.files import create_file, sha256_of

_SUFFIXES = {f".{kind}" for kind in get_args(ExportFormat)}


def export_version(version: Version, kind: ExportFormat, path: Path, force: bool = False) -> float:
    """Write a version as one file for other programs, and check it before it appears at its path.

    `onnx` is a copy of the version's own ONNX file, which was compared with the network when the version was made: it
    is verified by its checksum, and loaded. `pt2` (`torch.export.load`) takes and gives the same. `safetensors` holds
    the bare weights, with the whole card in its header under `card`. Both are compared with the network.

    Args:
        version: What to export.
        kind: The format.
        path: The file to write. Its folder is made.
        force: Replace an existing file.

    Returns:
        The largest difference from the version's probabilities; 0 for `onnx`.

    Raises:
        ConfigError: the path has another format's suffix, or is a folder.
        OverwriteError: the file exists, and `force` is not set.
        IntegrityError: a file of the version is missing, or was modified.
        ExportError: the version's network is unknown here (`pt2`, `safetensors`).
        ParityError: the file gives other probabilities than the version.
    """
    if path.suffix.lower() in _SUFFIXES - {f".{kind}"}:
        raise ConfigError(f"{path} does not end in .{kind}, the suffix of its format.", "Use another path or format.")
    with create_file(path, force, example=f"model.{kind}") as scratch:
        return _write(version, kind, scratch)


def _write(version: Version, kind: ExportFormat, path: Path) -> float:
    if kind == "onnx":
        _copy_onnx(version, path)
        return 0.0
    if kind == "pt2":
        from charcnn.export.pt2 import write_pt2  # torch

        return write_pt2(version, path)
    from charcnn.export.safetensors import write_safetensors  # torch

    return write_safetensors(version, path)


def _copy_onnx(version: Version, path: Path) -> None:
    card = version.card
    shutil.copyfile(version.file(ONNX_FILE), path)
    if sha256_of(path) != card.files[ONNX_FILE]:
        raise IntegrityError(f"The copy of {version.reference}'s ONNX file differs from it.", "Check the disk.")
    predictor = Predictor(path, version.reference)
    if (predictor.labels, predictor.spec) != (card.labels, card.image):
        raise IntegrityError(f"The ONNX file of {version.reference} has other labels or preprocessing than its card.")
