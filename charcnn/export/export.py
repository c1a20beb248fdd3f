"""Export a version to ONNX, PT2 or safetensors. The export to ONNX does not import torch."""

import shutil
from pathlib import Path
from typing import get_args

from charcnn.dependencies import require
from charcnn.errors import ConfigError, IntegrityError
from charcnn.inference.predictor import Predictor
from charcnn.registry.version import ONNX_FILE, Version
from charcnn.specs.choices import ExportFormat
from charcnn.storage.files import create_file, sha256_of

_SUFFIXES = {f".{kind}" for kind in get_args(ExportFormat)}


def export_version(version: Version, kind: ExportFormat, path: Path, force: bool = False) -> float:
    """Export a version to one file, and verify the file before it appears at its path.

    - `onnx`: a copy of the version's ONNX file, which was compared with the network when the version was saved. The
      copy is loaded, and its checksum is verified.
    - `pt2`: a program for `torch.export.load`, with the same input and output. It is compared with the network.
    - `safetensors`: the weights, with the model card as `card` in the header. They are compared with the network.

    Args:
        version: The version to export.
        kind: The file format.
        path: The file to write. Missing folders are created.
        force: Overwrite an existing file.

    Returns:
        The largest difference from the version's probabilities. 0 for `onnx`.

    Raises:
        MissingDependencyError: torch or safetensors is not installed (`pt2` and `safetensors`).
        ConfigError: the path has the suffix of another format, or is a folder.
        OverwriteError: the file exists and `force` is not set.
        IntegrityError: a file of the version is missing or was modified.
        ExportError: the version's network is not registered (`pt2` and `safetensors`).
        ParityError: the file's probabilities differ from the version's.
    """
    if kind != "onnx":
        require(f"Exporting as {kind}", "torch", "safetensors")
    if path.suffix.lower() in _SUFFIXES - {f".{kind}"}:
        raise ConfigError(f"{path} does not end in .{kind}.", "Change the path or the format.")
    with create_file(path, force, example=f"model.{kind}") as scratch:
        return _write(version, kind, scratch)


def _write(version: Version, kind: ExportFormat, path: Path) -> float:
    if kind == "onnx":
        _copy_onnx(version, path)
        return 0.0
    if kind == "pt2":
        from charcnn.export.pt2 import write_pt2  # imports torch

        return write_pt2(version, path)
    from charcnn.export.safetensors import write_safetensors  # imports torch

    return write_safetensors(version, path)


def _copy_onnx(version: Version, path: Path) -> None:
    card = version.card
    shutil.copyfile(version.file(ONNX_FILE), path)
    if sha256_of(path) != card.files[ONNX_FILE]:
        raise IntegrityError(
            f"The copy of the ONNX file of {version.reference} differs from the original.", "Check the disk."
        )
    predictor = Predictor(path, version.reference)
    if (predictor.labels, predictor.spec) != (card.labels, card.image):
        raise IntegrityError(f"The ONNX file of {version.reference} and its card differ in labels or preprocessing.")
