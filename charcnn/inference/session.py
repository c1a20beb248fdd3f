"""Open an exported ONNX file in ONNX Runtime and read its labels and `ImageSpec`."""

import json
from pathlib import Path
from typing import NamedTuple

import onnxruntime

from charcnn.errors import ModelError, ModelFileError, ModelNotFoundError
from charcnn.specs.image import ImageSpec
from charcnn.text import best_file_match

_PICKLE_SUFFIXES = (".pt", ".pth", ".pkl", ".ckpt", ".bin")
"""Suffixes of files that usually contain pickles."""


class OpenModel(NamedTuple):
    """A model that is loaded in ONNX Runtime.

    Attributes:
        session: Takes `image`, uint8 `[N,1,H,W]`, and returns `probabilities`, float32 `[N,C]`.
        labels: The `C` label texts.
        spec: How images are preprocessed.
    """

    session: onnxruntime.InferenceSession
    labels: tuple[str, ...]
    spec: ImageSpec


def open_model(path: Path) -> OpenModel:
    """Open an ONNX file that charcnn exported.

    Raises:
        ModelNotFoundError: the file does not exist.
        ModelFileError: the file is damaged, not ONNX, or was not exported by charcnn.
    """
    session = _session(path)
    metadata = session.get_modelmeta().custom_metadata_map
    try:
        labels = _parse_labels(metadata["labels"])
        spec = ImageSpec.model_validate_json(metadata["image"])
    except (KeyError, ValueError, RecursionError):
        raise ModelFileError(
            path, "has no labels and image spec in its metadata: it was not exported by charcnn."
        ) from None
    ends = [(end.name, end.type, end.shape[1:]) for end in (*session.get_inputs(), *session.get_outputs())]
    expected = [
        ("image", "tensor(uint8)", [1, spec.height, spec.width]),
        ("probabilities", "tensor(float)", [len(labels)]),
    ]
    if ends != expected:
        size = f"{spec.height} × {spec.width}"
        raise ModelFileError(path, f"describes {len(labels)} labels and images of {size}, but its graph has {ends}.")
    return OpenModel(session, labels, spec)


def check_is_onnx(path: Path) -> None:
    """Check that a file has the suffix of an ONNX file.

    Raises:
        ModelNotFoundError: it has another suffix, and does not exist.
        ModelFileError: it has another suffix.
    """
    suffix = path.suffix.lower()
    if suffix == ".onnx":
        return
    if not path.exists():
        raise _not_found(path)
    if suffix in _PICKLE_SUFFIXES:
        raise ModelFileError(
            path, "is a pickle file. It was not opened, because that would run any code that it contains."
        )
    raise ModelFileError(path, "is not an ONNX file.")


def _session(path: Path) -> onnxruntime.InferenceSession:
    if not path.is_file():
        raise _not_found(path)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1  # batches run in parallel threads instead
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as fault:  # ONNX Runtime's exceptions have no other common base class
        raise ModelFileError(path, f"is not a readable ONNX file: {str(fault).splitlines()[0]}") from None


def _not_found(path: Path) -> ModelError:
    closest = best_file_match(path.name, [file.name for file in path.parent.glob("*.onnx")])
    hint = f"Did you mean {path.with_name(closest)}?" if closest else ""
    return ModelNotFoundError(f"Model not found: {path}", hint, name=str(path))


def _parse_labels(text: str) -> tuple[str, ...]:
    """Return the labels of a JSON list of strings.

    Raises:
        ValueError: the text is not a JSON list of strings.
    """
    labels = json.loads(text)
    if not isinstance(labels, list) or not all(isinstance(label, str) for label in labels):
        raise ValueError("labels must be a list of strings")
    return tuple(labels)
