"""The output shapes of the original course's networks, layer by layer."""

import pytest
import torch
from torch import nn

from charcnn.networks.catalogue import get_network
from charcnn.networks.summary import trace_shapes

CLASSES = 12
Shape = tuple[int, ...]

CNN: list[tuple[str, Shape]] = [
    ("Conv2d", (25, 26, 26)),
    ("BatchNorm2d", (25, 26, 26)),
    ("MaxPool2d", (25, 13, 13)),
    ("ReLU", (25, 13, 13)),
    ("Conv2d", (50, 11, 11)),
    ("BatchNorm2d", (50, 11, 11)),
    ("MaxPool2d", (50, 5, 5)),
    ("ReLU", (50, 5, 5)),
    ("Flatten", (1250,)),
    ("Linear", (1024,)),
    ("ReLU", (1024,)),
    ("Linear", (128,)),
    ("ReLU", (128,)),
    ("Linear", (CLASSES,)),
]
CNN_DROPOUT = [*CNN[:11], ("Dropout", (1024,)), *CNN[11:13], ("Dropout", (128,)), *CNN[13:]]
LENET: list[tuple[str, Shape]] = [
    ("Conv2d", (6, 28, 28)),
    ("MaxPool2d", (6, 14, 14)),
    ("ReLU", (6, 14, 14)),
    ("Conv2d", (16, 10, 10)),
    ("MaxPool2d", (16, 5, 5)),
    ("ReLU", (16, 5, 5)),
    ("Flatten", (400,)),
    ("Linear", (120,)),
    ("ReLU", (120,)),
    ("Linear", (84,)),
    ("ReLU", (84,)),
    ("Linear", (CLASSES,)),
]
LENET_WIDE: list[tuple[str, Shape]] = [
    ("Conv2d", (32, 32, 32)),
    ("MaxPool2d", (32, 16, 16)),
    ("ReLU", (32, 16, 16)),
    ("Conv2d", (64, 16, 16)),
    ("MaxPool2d", (64, 8, 8)),
    ("ReLU", (64, 8, 8)),
    ("Flatten", (4096,)),
    ("Linear", (120,)),
    ("ReLU", (120,)),
    ("Linear", (84,)),
    ("ReLU", (84,)),
    ("Linear", (CLASSES,)),
]


@pytest.mark.parametrize(
    ("name", "size", "expected"),
    [("cnn", 28, CNN), ("cnn-dropout", 28, CNN_DROPOUT), ("lenet", 32, LENET), ("lenet-wide", 32, LENET_WIDE)],
)
def test_every_layer_has_the_shape_of_the_course(name: str, size: int, expected: list[tuple[str, Shape]]) -> None:
    info = get_network(name)
    assert info.size == size
    assert [(layer.kind, layer.shape) for layer in trace_shapes(info.build(CLASSES), size)] == expected


@pytest.mark.parametrize(
    ("name", "kernel", "padding"), [("cnn", 3, 0), ("cnn-dropout", 3, 0), ("lenet", 5, 0), ("lenet-wide", 5, 2)]
)
def test_kernels_and_padding_are_those_of_the_course(name: str, kernel: int, padding: int) -> None:
    convolutions = [part for part in get_network(name).build(CLASSES).modules() if isinstance(part, nn.Conv2d)]
    assert len(convolutions) == 2
    for part in convolutions:
        assert part.kernel_size == (kernel, kernel)
        assert part.padding == (padding, padding)
        assert part.stride == (1, 1)


def test_the_trace_counts_the_parameters_of_each_layer() -> None:
    counts = [layer.parameters for layer in trace_shapes(get_network("cnn").build(CLASSES), 28) if layer.parameters]
    assert counts == [
        25 * 9 + 25,
        2 * 25,
        50 * 25 * 9 + 50,
        2 * 50,
        1250 * 1024 + 1024,
        1024 * 128 + 128,
        128 * CLASSES + CLASSES,
    ]


def test_the_trace_leaves_the_network_as_it_was() -> None:
    network = get_network("cnn-dropout").build(3).train()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    trace_shapes(network, 28)
    assert all(part.training for part in network.modules())
    assert all(not part._forward_hooks for part in network.modules())
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


def test_an_image_of_another_size_does_not_fit() -> None:
    network = get_network("cnn").build(3)
    with pytest.raises(RuntimeError, match="shapes"):
        trace_shapes(network, 32)
    assert all(not part._forward_hooks for part in network.modules())
