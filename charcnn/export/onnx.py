"""A network → an ONNX file."""

from collections.abc import Sequence
from pathlib import Path

import onnx
import torch
from torch import nn

from charcnn.errors import ExportError
from charcnn.export.metadata import metadata
from charcnn.export.onnx_graph import UnknownLayerError, onnx_model
from charcnn.export.parity import check_parity, onnx_reader, probe
from charcnn.export.quiet import quiet
from charcnn.networks.recognizer import Recognizer
from charcnn.specs.image import ImageSpec


def write_onnx(network: nn.Module, labels: Sequence[str], spec: ImageSpec, path: Path) -> float:
    """Write a network as one ONNX file, and compare it with the network.

    The file takes `image`, uint8 `[batch,1,H,W]`, dark ink on white, and gives `probabilities`, float32
    `[batch,classes]`. Its metadata hold `labels` and `image`, the `ImageSpec`, as JSON.

    Returns:
        The largest difference from the network's probabilities.

    Raises:
        ExportError: torch cannot export one of its layers.
        ParityError: the file gives other probabilities than the network.
    """
    recognizer = Recognizer(network, spec).cpu().eval()
    try:
        model = onnx_model(network, len(labels), spec)
    except UnknownLayerError:
        model = _exported_by_torch(recognizer)
    model.producer_name = "charcnn"
    for key, value in metadata(labels, spec).items():
        model.metadata_props.add(key=key, value=value)
    path.write_bytes(model.SerializeToString())
    return check_parity(recognizer, onnx_reader(path))


def _exported_by_torch(recognizer: Recognizer) -> onnx.ModelProto:
    try:
        with quiet():
            program = torch.onnx.export(
                recognizer,
                (probe(recognizer.spec, 2),),
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
        raise ExportError("torch exported no ONNX program.")
    model: onnx.ModelProto = program.model_proto
    for node in model.graph.node:  # where in the exporter's code each came from: of no use, with paths of this machine
        node.ClearField("metadata_props")
        node.ClearField("doc_string")
    return model
