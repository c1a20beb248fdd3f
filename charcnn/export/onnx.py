"""Export a network to ONNX."""

from collections.abc import Sequence
from pathlib import Path

import onnx
import torch
from torch import nn

from charcnn.errors import ExportError
from charcnn.export.metadata import metadata
from charcnn.export.onnx_graph import UnknownLayerError, build_onnx_model
from charcnn.export.parity import check_parity, make_probe_images, onnx_function
from charcnn.export.quiet import silence_exporters
from charcnn.networks.recognizer import Recognizer
from charcnn.specs.image import ImageSpec


def write_onnx(network: nn.Module, labels: Sequence[str], spec: ImageSpec, path: Path) -> float:
    """Export a network to an ONNX file, and compare the file with the network.

    The input is `image`, uint8 `[batch,1,H,W]`, dark ink on white. The output is `probabilities`, float32
    `[batch,classes]`. The metadata contain `labels` and `image`, the `ImageSpec`, as JSON.

    Args:
        network: Normalized images `[N,1,H,W]` → logits `[N,classes]`.
        labels: The label texts, in the order of the logits.
        spec: How images are preprocessed.
        path: The file to write.

    Returns:
        The largest difference between the file's and the network's probabilities.

    Raises:
        ExportError: torch cannot export one of the layers.
        ParityError: the file's probabilities differ from the network's.
    """
    recognizer = Recognizer(network, spec).cpu().eval()
    try:
        model = build_onnx_model(network, len(labels), spec)
    except UnknownLayerError:
        model = _export_with_torch(recognizer)
    model.producer_name = "charcnn"
    for key, value in metadata(labels, spec).items():
        model.metadata_props.add(key=key, value=value)
    path.write_bytes(model.SerializeToString())
    return check_parity(recognizer, onnx_function(path))


def _export_with_torch(recognizer: Recognizer) -> onnx.ModelProto:
    try:
        with silence_exporters():
            program = torch.onnx.export(
                recognizer,
                (make_probe_images(recognizer.spec, 2),),
                dynamo=True,
                verbose=False,
                external_data=False,
                input_names=["image"],
                output_names=["probabilities"],
                dynamic_shapes=({0: torch.export.Dim("batch")},),
            )
    except torch.onnx.OnnxExporterError as fault:
        reason = str(fault.__cause__ or fault).strip().partition("\n")[0]
        raise ExportError(f"torch cannot export this network to ONNX: {reason}") from fault
    if program is None:
        raise ExportError("torch returned no ONNX program.")
    model: onnx.ModelProto = program.model_proto
    for node in model.graph.node:  # stack traces of the exporter, with paths of this machine
        node.ClearField("metadata_props")
        node.ClearField("doc_string")
    return model
