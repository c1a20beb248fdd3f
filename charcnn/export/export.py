"""A version in the registry → one file: ONNX, PT2 or safetensors."""

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import torch
from safetensors.torch import save

from charcnn.errors import ConfigError
from charcnn.export.load_network import load_network
from charcnn.export.metadata import metadata
from charcnn.export.parity import check_parity, onnx_reader, probe
from charcnn.export.quiet import quiet
from charcnn.networks.recognizer import Recognizer
from charcnn.networks.weights import copy_weights, read_weights
from charcnn.registry.version import ONNX_FILE, Version
from charcnn.storage.files import refuse_to_overwrite

Format = Literal["onnx", "pt2", "safetensors"]
SUFFIXES: dict[Format, str] = {"onnx": ".onnx", "pt2": ".pt2", "safetensors": ".safetensors"}


def export_version(version: Version, kind: Format, path: Path, force: bool = False) -> float:
    """Writes a version as one file for other programs, and checks that it gives the version's answers.

    `onnx` is the version's own ONNX file. `pt2` (`torch.export.load`) takes and gives the same. `safetensors` holds the
    bare weights, with the whole card in its header under `card`.

    Args:
        version: What to export.
        kind: The format.
        path: The file to write.
        force: Replace a file that is there.

    Returns:
        The largest difference from the version's probabilities.

    Raises:
        ConfigError: the path has another format's suffix.
        OverwriteError: the file is there already.
        ParityError: the file gives other probabilities than the version.
    """
    if path.suffix.lower() in set(SUFFIXES.values()) - {SUFFIXES[kind]}:
        raise ConfigError(f"{path} does not end in {SUFFIXES[kind]}, but --format is {kind}.")
    if path.is_dir():
        raise ConfigError(f"{path} is a folder.", f"Name a file: -o {path / ('model' + SUFFIXES[kind])}")
    refuse_to_overwrite(path, force)
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".export-", dir=path.parent) as scratch:  # a bad file never stands at path
        fresh = Path(scratch, f"{path.stem}{SUFFIXES[kind]}")
        difference = _write[kind](version, fresh)
        fresh.replace(path)
    return difference


def _write_onnx_copy(version: Version, path: Path) -> float:
    shutil.copyfile(version.file(ONNX_FILE), path)
    return check_parity(Recognizer(load_network(version), version.card.image), onnx_reader(path), path)


def _write_pt2(version: Version, path: Path) -> float:
    card = version.card
    recogniser = Recognizer(load_network(version), card.image)
    with quiet():
        dynamic = {"image": {0: torch.export.Dim("batch")}}
        program = torch.export.export(recogniser, (probe(card.image, 2),), dynamic_shapes=dynamic)
        torch.export.save(program, path, extra_files=metadata(card.labels, card.image))
        again = torch.export.load(path).module()
    return check_parity(recogniser, again, path)


def _write_safetensors(version: Version, path: Path) -> float:
    card = version.card
    network, again = load_network(version), load_network(version)
    path.write_bytes(save(copy_weights(network), metadata={"card": version.text.decode()}))
    again.load_state_dict(read_weights(path))
    return check_parity(Recognizer(network, card.image), Recognizer(again, card.image), path)


_write: dict[Format, Callable[[Version, Path], float]] = {
    "onnx": _write_onnx_copy,
    "pt2": _write_pt2,
    "safetensors": _write_safetensors,
}
