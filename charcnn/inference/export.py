"""A network → a file that other programs read: ONNX, PT2, safetensors; each checked against it. Needs torch."""

import json
import logging
import shutil
import tempfile
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import numpy as np
import onnx
import torch
from safetensors.torch import save
from torch import Tensor, nn

from charcnn.errors import ConfigError, OverwriteError, ParityError
from charcnn.inference.graph import UnknownLayerError, onnx_model
from charcnn.inference.predictor import Predictor
from charcnn.inference.recogniser import Recogniser, load_network, read_weights, weights_of
from charcnn.registry.version import ONNX_FILE, Version
from charcnn.spec import ImageSpec

Format = Literal["onnx", "pt2", "safetensors"]
SUFFIXES: dict[Format, str] = {"onnx": ".onnx", "pt2": ".pt2", "safetensors": ".safetensors"}

_TOLERANCE = 1e-4
"""The largest difference of a probability that rounding may make."""


def write_onnx(network: nn.Module, labels: Sequence[str], spec: ImageSpec, path: Path) -> float:
    """Writes a network as one ONNX file and checks it.

    The file takes `image`, uint8 `[batch,1,H,W]`, dark ink on white, and gives `probabilities`, float32
    `[batch,classes]`. Its metadata hold `labels` and `image`, the `ImageSpec`, as JSON.

    Returns:
        The largest difference from the network's probabilities.

    Raises:
        ParityError: the file gives other probabilities than the network.
    """
    recogniser = Recogniser(network, spec).cpu().eval()
    try:
        model = onnx_model(network, len(labels), spec)
    except UnknownLayerError:
        model = _exported_by_torch(recogniser)
    model.producer_name = "charcnn"
    for key, value in _metadata(labels, spec).items():
        model.metadata_props.add(key=key, value=value)
    path.write_bytes(model.SerializeToString())
    return _check_parity(recogniser, _onnx_reader(path), path)


def _exported_by_torch(recogniser: Recogniser) -> onnx.ModelProto:
    with _quiet():
        program = torch.onnx.export(
            recogniser,
            (_probe(recogniser.spec, 2),),
            dynamo=True,
            verbose=False,
            external_data=False,
            input_names=["image"],
            output_names=["probabilities"],
            dynamic_shapes=({0: torch.export.Dim("batch")},),
        )
    if program is None:
        raise ParityError("torch gave no ONNX program.")
    model: onnx.ModelProto = program.model_proto
    for node in model.graph.node:  # where in the exporter's code each came from: of no use, with paths of this machine
        node.ClearField("metadata_props")
        node.ClearField("doc_string")
    return model


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
    if path.exists() and not force:
        raise OverwriteError(f"{path} is there already.", "Name another file with -o, or add --force.")
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".export-", dir=path.parent) as scratch:  # a bad file never stands at path
        fresh = Path(scratch, f"{path.stem}{SUFFIXES[kind]}")
        difference = _write[kind](version, fresh)
        fresh.replace(path)
    return difference


def _write_onnx_copy(version: Version, path: Path) -> float:
    shutil.copyfile(version.file(ONNX_FILE), path)
    return _check_parity(Recogniser(load_network(version), version.card.image), _onnx_reader(path), path)


def _write_pt2(version: Version, path: Path) -> float:
    card = version.card
    recogniser = Recogniser(load_network(version), card.image)
    with _quiet():
        dynamic = {"image": {0: torch.export.Dim("batch")}}
        program = torch.export.export(recogniser, (_probe(card.image, 2),), dynamic_shapes=dynamic)
        torch.export.save(program, path, extra_files=_metadata(card.labels, card.image))
        again = torch.export.load(path).module()
    return _check_parity(recogniser, again, path)


def _write_safetensors(version: Version, path: Path) -> float:
    card = version.card
    network, again = load_network(version), load_network(version)
    path.write_bytes(save(weights_of(network), metadata={"card": version.text.decode()}))
    again.load_state_dict(read_weights(path))
    return _check_parity(Recogniser(network, card.image), Recogniser(again, card.image), path)


_write: dict[Format, Callable[[Version, Path], float]] = {
    "onnx": _write_onnx_copy,
    "pt2": _write_pt2,
    "safetensors": _write_safetensors,
}


def _metadata(labels: Sequence[str], spec: ImageSpec) -> dict[str, str]:
    return {"labels": json.dumps(list(labels), ensure_ascii=False), "image": spec.model_dump_json()}


def _onnx_reader(path: Path) -> Callable[[Tensor], Tensor]:
    predictor = Predictor(path)
    return lambda images: torch.from_numpy(predictor.probabilities(images[:, 0].numpy()))


def _probe(spec: ImageSpec, count: int) -> Tensor:
    """Images to compare answers on: strokes of noise on paper, uint8 `[count,1,H,W]`."""
    rng = np.random.default_rng(0)
    ink = rng.random((count, 1, spec.height, spec.width)) < 0.2
    return torch.from_numpy(np.where(ink, rng.integers(0, 128, ink.shape), 255).astype(np.uint8))


def _check_parity(expected: nn.Module, actual: Callable[[Tensor], Tensor], path: Path) -> float:
    """Compares two recognisers on a batch of another size than the one that was exported."""
    images = _probe(expected.spec, 33)  # type: ignore[arg-type]
    with torch.inference_mode():
        difference = float((expected(images) - actual(images)).abs().max())
    if not difference <= _TOLERANCE:
        raise ParityError(
            f"{path} gives other answers than the model: probabilities differ by up to {difference:.2g}.",
            "Do not use the file. Please report this, with the output of: charcnn models show",
        )
    return difference


@contextmanager
def _quiet() -> Iterator[None]:
    """Silences the exporters, which talk of their own affairs."""
    loggers = [logging.getLogger(name) for name in ("torch.onnx", "torch.export", "onnxscript", "onnx_ir")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
