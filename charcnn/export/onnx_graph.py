"""A network of plain layers → an ONNX graph, layer by layer: in milliseconds, where torch's exporter takes seconds.

A network with any other layer is left to torch's exporter.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

from charcnn.networks.blocks import CHANNEL_MULTIPLE, Layers
from charcnn.specs.image import ImageSpec

_OPSET = 20
"""The first that has Gelu."""
_IR_VERSION = 10


class UnknownLayerError(Exception):
    """The network has a layer that is not known here; `write_onnx` then leaves it to torch's exporter."""


@dataclass
class _Graph:
    """A chain of nodes: the input of each is the output of the one before it."""

    value: str
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    weights: dict[str, NDArray[np.generic]] = field(default_factory=dict)

    def add(self, kind: str, *weights: NDArray[np.generic], output: str = "", **attributes: Any) -> None:
        """Append a node whose further inputs are weights."""
        output = output or f"{kind.lower()}_{len(self.nodes)}"
        names = [f"{output}.{number}" for number in range(len(weights))]
        self.weights.update(zip(names, weights, strict=True))
        self.nodes.append(helper.make_node(kind, [self.value, *names], [output], name=output, **attributes))
        self.value = output


def onnx_model(network: nn.Module, classes: int, spec: ImageSpec) -> onnx.ModelProto:
    """Return an ONNX graph with normalization and softmax inside.

    Its input is `image`, uint8 `[batch,1,H,W]`, its output `probabilities`, float32 `[batch,classes]`.

    Args:
        network: Normalized images `[N,1,H,W]` → logits `[N,classes]`, on the CPU, taken in evaluation mode.
        classes: Number of logits.
        spec: Its size, mean and std are written into the graph.

    Raises:
        UnknownLayerError: the network is not a chain of layers that are known here.
    """
    graph = _Graph("image")
    graph.add("Cast", to=TensorProto.FLOAT)
    graph.add("Mul", np.array(1 / (255 * spec.std), np.float32))
    graph.add("Sub", np.array(spec.mean / spec.std, np.float32))
    _add(graph, network)
    graph.add("Softmax", output="probabilities", axis=-1)
    _pad_channels(graph)
    ends = (
        helper.make_tensor_value_info("image", TensorProto.UINT8, ["batch", 1, spec.height, spec.width]),
        helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["batch", classes]),
    )
    weights = [numpy_helper.from_array(weight, name) for name, weight in graph.weights.items()]
    body = helper.make_graph(graph.nodes, "charcnn", ends[:1], ends[1:], weights)
    opsets = [helper.make_opsetid("", _OPSET)]
    return helper.make_model(body, opset_imports=opsets, ir_version=_IR_VERSION)


def _pad_channels(graph: _Graph) -> None:
    """Pad the channels between two convolutions with zeros to a multiple of 16; the second one ignores them.

    The outputs are the same; ONNX Runtime has its fast convolution for such numbers of channels alone.
    """
    convolutions = [number for number, node in enumerate(graph.nodes) if node.op_type == "Conv"]
    for first, second in pairwise(convolutions):
        one, two = graph.nodes[first], graph.nodes[second]
        more = -len(graph.weights[one.input[1]]) % CHANNEL_MULTIPLE
        if any(helper.get_node_attr_value(node, "group") != 1 for node in (one, two)):
            continue
        norms = [node for node in graph.nodes[first:second] if node.op_type == "BatchNormalization"]
        for node in (one, *norms):
            for name in node.input[1:]:
                is_variance = node is not one and name == node.input[4]
                graph.weights[name] = _pad_axis(graph.weights[name], 0, more, float(is_variance))
        graph.weights[two.input[1]] = _pad_axis(graph.weights[two.input[1]], 1, more)


def _pad_axis(weight: NDArray[np.generic], axis: int, more: int, value: float = 0.0) -> NDArray[np.generic]:
    sides = [(0, more if number == axis else 0) for number in range(weight.ndim)]
    return np.pad(weight, sides, constant_values=value)


def _add(graph: _Graph, layer: nn.Module) -> None:
    if isinstance(layer, Layers) or type(layer) is nn.Sequential:
        for part in layer:
            _add(graph, part)
    elif type(layer) in _WRITERS:
        _WRITERS[type(layer)](graph, layer)
    else:
        raise UnknownLayerError(type(layer).__name__)


def _add_convolution(graph: _Graph, layer: nn.Conv2d) -> None:
    if layer.padding_mode != "zeros" or isinstance(layer.padding, str):
        raise UnknownLayerError(f"a convolution with padding {layer.padding_mode} {layer.padding}")
    graph.add(
        "Conv",
        *(_array(weight) for weight in (layer.weight, layer.bias) if weight is not None),
        kernel_shape=layer.kernel_size,
        strides=layer.stride,
        pads=[*layer.padding, *layer.padding],
        dilations=layer.dilation,
        group=layer.groups,
    )


def _add_batch_norm(graph: _Graph, layer: nn.BatchNorm2d) -> None:
    parts = (layer.weight, layer.bias, layer.running_mean, layer.running_var)
    if any(part is None for part in parts):
        raise UnknownLayerError("a batch norm without statistics or without weights")
    graph.add("BatchNormalization", *(_array(part) for part in parts if part is not None), epsilon=float(layer.eps))


def _add_linear(graph: _Graph, layer: nn.Linear) -> None:
    bias = np.zeros(layer.out_features, np.float32) if layer.bias is None else _array(layer.bias)
    graph.add("Gemm", _array(layer.weight), bias, transB=1)


def _add_max_pool(graph: _Graph, layer: nn.MaxPool2d) -> None:
    if layer.padding or layer.dilation != 1 or layer.ceil_mode:
        raise UnknownLayerError("a max-pool with padding, dilation or ceil mode")
    kernel, stride = (
        list(value) if isinstance(value, tuple) else [value] * 2 for value in (layer.kernel_size, layer.stride)
    )
    graph.add("MaxPool", kernel_shape=kernel, strides=stride)


def _add_global_max_pool(graph: _Graph, layer: nn.AdaptiveMaxPool2d) -> None:
    if layer.output_size not in (1, (1, 1)):
        raise UnknownLayerError(f"an adaptive max-pool to {layer.output_size}")
    graph.add("GlobalMaxPool")


def _add_flatten(graph: _Graph, layer: nn.Flatten) -> None:
    if (layer.start_dim, layer.end_dim) != (1, -1):
        raise UnknownLayerError("a flatten of some dimensions")
    graph.add("Flatten", axis=1)


def _add_prelu(graph: _Graph, layer: nn.PReLU) -> None:
    if layer.num_parameters != 1:
        raise UnknownLayerError("a PReLU with several slopes")
    graph.add("PRelu", _array(layer.weight).reshape(()))


def _nothing(_graph: _Graph, _layer: nn.Module) -> None:
    """Of no effect in evaluation."""


_WRITERS: dict[type[nn.Module], Callable[..., None]] = {
    nn.Conv2d: _add_convolution,
    nn.BatchNorm2d: _add_batch_norm,
    nn.Dropout: _nothing,
    nn.Identity: _nothing,
    nn.Linear: _add_linear,
    nn.MaxPool2d: _add_max_pool,
    nn.Flatten: _add_flatten,
    nn.AdaptiveMaxPool2d: _add_global_max_pool,
    nn.ReLU: lambda graph, _layer: graph.add("Relu"),
    nn.GELU: lambda graph, layer: graph.add("Gelu", approximate=layer.approximate),
    nn.Sigmoid: lambda graph, _layer: graph.add("Sigmoid"),
    nn.Tanh: lambda graph, _layer: graph.add("Tanh"),
    nn.LeakyReLU: lambda graph, layer: graph.add("LeakyRelu", alpha=layer.negative_slope),
    nn.PReLU: _add_prelu,
}


def _array(weight: Tensor) -> NDArray[np.float32]:
    return np.ascontiguousarray(weight.detach().numpy())
