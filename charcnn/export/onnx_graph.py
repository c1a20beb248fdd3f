"""Build the ONNX graph of a sequential network, layer by layer.

This takes milliseconds, where torch's exporter takes seconds. Networks with other layers need torch's exporter.
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
"""The first ONNX operator set with Gelu."""
_IR_VERSION = 10
"""Version of the ONNX file format."""


class UnknownLayerError(Exception):
    """The network has a layer that is not supported here. `write_onnx` then uses torch's exporter."""


@dataclass
class _Graph:
    """A chain of nodes, in which the output of each node is the input of the next.

    Attributes:
        value: Name of the last output.
        nodes: The nodes, in order.
        weights: The weights, by name.
    """

    value: str
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    weights: dict[str, NDArray[np.generic]] = field(default_factory=dict)

    def add(self, kind: str, *weights: NDArray[np.generic], output: str = "", **attributes: Any) -> None:
        """Append a node whose other inputs are weights."""
        output = output or f"{kind.lower()}_{len(self.nodes)}"
        names = [f"{output}.{number}" for number in range(len(weights))]
        self.weights.update(zip(names, weights, strict=True))
        self.nodes.append(helper.make_node(kind, [self.value, *names], [output], name=output, **attributes))
        self.value = output


def build_onnx_model(network: nn.Module, classes: int, spec: ImageSpec) -> onnx.ModelProto:
    """Return the ONNX model of a network, including normalization and softmax.

    The input is `image`, uint8 `[batch,1,H,W]`. The output is `probabilities`, float32 `[batch,classes]`.

    Args:
        network: Normalized images `[N,1,H,W]` → logits `[N,classes]`, on the CPU. Exported in evaluation mode.
        classes: Number of logits.
        spec: Size, mean and std of the input.

    Raises:
        UnknownLayerError: the network is not a sequence of supported layers.
    """
    graph = _Graph("image")
    graph.add("Cast", to=TensorProto.FLOAT)
    graph.add("Mul", np.array(1 / (255 * spec.std), np.float32))
    graph.add("Sub", np.array(spec.mean / spec.std, np.float32))
    _add_layer(graph, network)
    graph.add("Softmax", output="probabilities", axis=-1)
    _pad_channels(graph)
    input_and_output = (
        helper.make_tensor_value_info("image", TensorProto.UINT8, ["batch", 1, spec.height, spec.width]),
        helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["batch", classes]),
    )
    weights = [numpy_helper.from_array(weight, name) for name, weight in graph.weights.items()]
    body = helper.make_graph(graph.nodes, "charcnn", input_and_output[:1], input_and_output[1:], weights)
    opsets = [helper.make_opsetid("", _OPSET)]
    return helper.make_model(body, opset_imports=opsets, ir_version=_IR_VERSION)


def _pad_channels(graph: _Graph) -> None:
    """Pad the channels between two convolutions with zeros to a multiple of 16, which the second one ignores.

    The outputs do not change. ONNX Runtime has a fast convolution for multiples of 16 only.
    """
    convolutions = [number for number, node in enumerate(graph.nodes) if node.op_type == "Conv"]
    for first, second in pairwise(convolutions):
        producer, consumer = graph.nodes[first], graph.nodes[second]
        extra = -len(graph.weights[producer.input[1]]) % CHANNEL_MULTIPLE
        if any(helper.get_node_attr_value(node, "group") != 1 for node in (producer, consumer)):
            continue
        norms = [node for node in graph.nodes[first:second] if node.op_type == "BatchNormalization"]
        for node in (producer, *norms):
            for name in node.input[1:]:
                is_variance = node is not producer and name == node.input[4]
                graph.weights[name] = _pad_axis(graph.weights[name], 0, extra, float(is_variance))
        graph.weights[consumer.input[1]] = _pad_axis(graph.weights[consumer.input[1]], 1, extra)


def _pad_axis(weight: NDArray[np.generic], axis: int, extra: int, value: float = 0.0) -> NDArray[np.generic]:
    sides = [(0, extra if number == axis else 0) for number in range(weight.ndim)]
    return np.pad(weight, sides, constant_values=value)


def _add_layer(graph: _Graph, layer: nn.Module) -> None:
    if isinstance(layer, Layers) or type(layer) is nn.Sequential:
        for part in layer:
            _add_layer(graph, part)
    elif type(layer) in _CONVERTERS:
        _CONVERTERS[type(layer)](graph, layer)
    else:
        raise UnknownLayerError(type(layer).__name__)


def _add_convolution(graph: _Graph, layer: nn.Conv2d) -> None:
    if layer.padding_mode != "zeros" or isinstance(layer.padding, str):
        raise UnknownLayerError(f"a convolution with padding {layer.padding_mode} {layer.padding}")
    graph.add(
        "Conv",
        *(_to_array(weight) for weight in (layer.weight, layer.bias) if weight is not None),
        kernel_shape=layer.kernel_size,
        strides=layer.stride,
        pads=[*layer.padding, *layer.padding],
        dilations=layer.dilation,
        group=layer.groups,
    )


def _add_batch_norm(graph: _Graph, layer: nn.BatchNorm2d) -> None:
    parts = (layer.weight, layer.bias, layer.running_mean, layer.running_var)
    if any(part is None for part in parts):
        raise UnknownLayerError("a batch norm without running statistics or weights")
    graph.add("BatchNormalization", *(_to_array(part) for part in parts if part is not None), epsilon=float(layer.eps))


def _add_linear(graph: _Graph, layer: nn.Linear) -> None:
    bias = np.zeros(layer.out_features, np.float32) if layer.bias is None else _to_array(layer.bias)
    graph.add("Gemm", _to_array(layer.weight), bias, transB=1)


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
        raise UnknownLayerError("a flatten of only some dimensions")
    graph.add("Flatten", axis=1)


def _add_prelu(graph: _Graph, layer: nn.PReLU) -> None:
    if layer.num_parameters != 1:
        raise UnknownLayerError("a PReLU with several slopes")
    graph.add("PRelu", _to_array(layer.weight).reshape(()))


def _skip(_graph: _Graph, _layer: nn.Module) -> None:
    """Add nothing, because the layer does nothing in evaluation mode."""


_CONVERTERS: dict[type[nn.Module], Callable[..., None]] = {
    nn.Conv2d: _add_convolution,
    nn.BatchNorm2d: _add_batch_norm,
    nn.Dropout: _skip,
    nn.Identity: _skip,
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


def _to_array(weight: Tensor) -> NDArray[np.float32]:
    return np.ascontiguousarray(weight.detach().numpy())
