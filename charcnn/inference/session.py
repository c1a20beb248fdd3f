"""Open an ONNX file in ONNX Runtime, and read the labels and the `ImageSpec` that it carries."""

import json
from pathlib import Path
from typing import NamedTuple

import onnxruntime

from charcnn.errors import ModelError, ModelFileError, ModelNotFoundError
from charcnn.specs.image import ImageSpec
from charcnn.text import best_file_match

_PICKLES = (".pt", ".pth", ".pkl", ".ckpt", ".bin")


class OpenModel(NamedTuple):
    """A model in ONNX Runtime.

    Attributes:
        session: Takes `image`, uint8 `[N,1,H,W]`, and returns `probabilities`, float32 `[N,C]`.
        labels: The `C` label texts.
        spec: How an image becomes the input.
    """

    session: onnxruntime.InferenceSession
    labels: tuple[str, ...]
    spec: ImageSpec


def open_model(path: Path) -> OpenModel:
    """Open an ONNX file that charcnn exported.

    Raises:
        ModelNotFoundError: there is no such file.
        ModelFileError: it is damaged, of another kind, or was not exported by charcnn.
    """
    session = _session(path)
    metadata = session.get_modelmeta().custom_metadata_map
    try:
        labels = _parse_labels(metadata["labels"])
        spec = ImageSpec.model_validate_json(metadata["image"])
    except (KeyError, ValueError, RecursionError):
        raise ModelFileError(
            path, "has no labels and image specification in its metadata: charcnn did not export it."
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
    """Check by its name that a file can be a model.

    Raises:
        ModelNotFoundError: it is not ONNX, and there is no such file.
        ModelFileError: it is of another kind.
    """
    suffix = path.suffix.lower()
    if suffix == ".onnx":
        return
    if not path.exists():
        raise _missing(path)
    if suffix in _PICKLES:
        raise ModelFileError(path, "is a pickle: opening it would run whatever code it contains. It is refused.")
    raise ModelFileError(path, "is not an ONNX file.")


def _session(path: Path) -> onnxruntime.InferenceSession:
    if not path.is_file():
        raise _missing(path)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1  # batches run in parallel instead
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as fault:  # ONNX Runtime's exceptions have no common base but this
        raise ModelFileError(path, f"is not a readable ONNX file: {str(fault).splitlines()[0]}") from None


def _missing(path: Path) -> ModelError:
    near = best_file_match(path.name, [file.name for file in path.parent.glob("*.onnx")])
    hint = f"Did you mean {path.with_name(near)}?" if near else ""
    return ModelNotFoundError(f"No such model: {path}", hint, name=str(path))


def _parse_labels(text: str) -> tuple[str, ...]:
    """Read a JSON list of texts.

    Raises:
        ValueError: it is something else.
    """
    labels = json.loads(text)
    if not isinstance(labels, list) or not all(isinstance(label, str) for label in labels):
        raise ValueError("labels are a list of texts")
    return tuple(labels)
