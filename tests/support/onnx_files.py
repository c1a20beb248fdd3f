"""Write ONNX files like another program."""

from pathlib import Path

import onnx
from onnx import TensorProto, helper


def write_foreign_onnx(
    path: Path,
    metadata: dict[str, str] | None = None,
    *,
    names: tuple[str, str] = ("image", "probabilities"),
    classes: int = 3,
    size: int = 28,
    kind: int = TensorProto.UINT8,
) -> Path:
    """Write an ONNX file without charcnn. Its outputs are the mean of each image, `classes` times."""
    graph = helper.make_graph(
        [
            helper.make_node("Cast", [names[0]], ["float"], to=TensorProto.FLOAT),
            helper.make_node("ReduceMean", ["float", "axes"], ["mean"], keepdims=0),
            helper.make_node("Concat", ["mean"] * classes, [names[1]], axis=1),
        ],
        "foreign",
        [helper.make_tensor_value_info(names[0], kind, ["batch", 1, size, size])],
        [helper.make_tensor_value_info(names[1], TensorProto.FLOAT, ["batch", classes])],
        [helper.make_tensor("axes", TensorProto.INT64, [2], [2, 3])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    helper.set_model_props(model, metadata or {})
    onnx.save(model, str(path))
    return path
