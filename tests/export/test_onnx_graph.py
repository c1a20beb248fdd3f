"""charcnn's ONNX graphs match torch, and other networks need torch's exporter."""

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from numpy.typing import NDArray
from torch import nn

from charcnn.export.onnx import write_onnx
from charcnn.export.onnx_graph import UnknownLayerError, build_onnx_model
from charcnn.inference.predictor import Predictor
from charcnn.networks.activations import ACTIVATIONS
from charcnn.networks.catalogue import get_network
from charcnn.networks.recognizer import Recognizer
from charcnn.specs.image import ImageSpec

LAB = ("cnn", "cnn-dropout", "lenet", "lenet-wide")


def lively(network: nn.Module, seed: int = 1) -> nn.Module:
    """Randomize biases, slopes and statistics as if the network were trained, so that outputs differ."""
    draws = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, value in network.state_dict().items():
            if name.endswith("running_var"):
                value.copy_(torch.rand(value.shape, generator=draws) + 0.5)
            elif value.ndim == 1:
                value.copy_(torch.randn(value.shape, generator=draws) / 2)
            elif value.ndim:
                value.copy_(torch.randn(value.shape, generator=draws) * (4 / value[0].numel()) ** 0.5)
    return network


def noise(size: tuple[int, int], count: int = 5) -> NDArray[np.uint8]:
    """Images `[count,1,H,W]` from nearly white to nearly black."""
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (count, 1, *size))
    shades = rng.permutation(np.linspace(1, 0.05, count))
    return np.asarray(pixels * shades[:, None, None, None], np.uint8)


def both(
    network: nn.Module, classes: int, spec: ImageSpec, count: int = 5
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the probabilities of the graph in ONNX Runtime, and those of torch."""
    model = build_onnx_model(network, classes, spec)
    onnx.checker.check_model(model, full_check=True)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    images = noise((spec.height, spec.width), count)
    with torch.inference_mode():
        expected = Recognizer(network, spec).eval()(torch.from_numpy(images)).numpy()
    return session.run(["probabilities"], {"image": images})[0], expected


def agree(network: nn.Module, classes: int, spec: ImageSpec) -> None:
    for count in (1, 5):
        given, expected = both(network, classes, spec, count)
        assert given.shape == (count, classes)
        assert given.dtype == np.float32
        np.testing.assert_allclose(given, expected, atol=1e-5)
    assert np.ptp(expected, 0).max() > 1e-4  # otherwise everything would agree


@pytest.mark.parametrize("name", LAB)
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("batch_norm", [True, False], ids=["norm", "no norm"])
def test_course_networks_match_torch(name: str, activation: str, batch_norm: bool) -> None:
    network = get_network(name).build(7, {"activation": activation, "batch_norm": batch_norm, "dropout": 0.5})
    size = get_network(name).size
    agree(lively(network).train(), 7, ImageSpec(height=size, width=size))


@pytest.mark.parametrize(
    ("name", "size"), [(name, size) for name in ("compact", "compact-l") for size in get_network(name).sizes]
)
def test_compact_networks_match_torch_in_every_size(name: str, size: int) -> None:
    agree(lively(get_network(name).build(12, {"dropout": 0.25})), 12, ImageSpec(height=size, width=size))


@pytest.mark.parametrize("spec", [ImageSpec(mean=0.5, std=0.5), ImageSpec(mean=0.1307, std=0.3081)], ids=str)
def test_mean_and_std_are_in_the_graph(spec: ImageSpec) -> None:
    agree(lively(get_network("compact").build(3)), 3, spec)


@pytest.mark.parametrize(
    "network",
    [
        nn.Sequential(
            nn.Conv2d(1, 4, (3, 5), stride=(2, 1), padding=(1, 2)), nn.GELU(), nn.Flatten(), nn.Linear(240, 3)
        ),
        nn.Sequential(nn.Conv2d(1, 4, 3, dilation=2, bias=False), nn.Identity(), nn.Flatten(), nn.Linear(192, 3)),
        nn.Sequential(
            nn.Conv2d(1, 4, 3),
            nn.Conv2d(4, 4, 3, groups=2),
            nn.GELU("tanh"),
            nn.Flatten(),
            nn.Linear(192, 3, bias=False),
        ),
        nn.Sequential(
            *(nn.Conv2d(1, 10, 3), nn.Conv2d(10, 20, 3, groups=2), nn.Conv2d(20, 5, 3)),
            *(nn.BatchNorm2d(5, eps=0), nn.Sigmoid(), nn.Conv2d(5, 2, 3), nn.Flatten(), nn.Linear(16, 3)),
        ),
        nn.Sequential(nn.MaxPool2d(3, 2), nn.Flatten(), nn.Linear(20, 3)),
        nn.Sequential(nn.MaxPool2d((2, 3), (1, 2)), nn.Sequential(nn.Flatten()), nn.Linear(44, 3)),
        nn.Sequential(nn.Conv2d(1, 6, 3), nn.AdaptiveMaxPool2d((1, 1)), nn.Flatten(), nn.Linear(6, 3)),
        nn.Sequential(nn.Conv2d(1, 6, 3), nn.LeakyReLU(0.3), nn.PReLU(), nn.Flatten(), nn.Linear(480, 3)),
    ],
    ids=str,
)
def test_a_sequence_of_plain_layers_matches_torch(network: nn.Module) -> None:
    agree(lively(network), 3, ImageSpec(height=12, width=10))


class Own(nn.Module):
    """A layer that charcnn does not support."""

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        return torch.sin(values)


class OwnReLU(nn.ReLU):
    """A layer that does more than its base class."""

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        return super().forward(values) + 1


@pytest.mark.parametrize(
    "layer",
    [
        Own(),
        OwnReLU(),
        nn.Conv2d(1, 2, 3, padding="same"),
        nn.Conv2d(1, 2, 3, padding=1, padding_mode="reflect"),
        nn.BatchNorm2d(1, affine=False),
        nn.BatchNorm2d(1, track_running_stats=False),
        nn.MaxPool2d(3, padding=1),
        nn.MaxPool2d(3, ceil_mode=True),
        nn.MaxPool2d(2, dilation=2),
        nn.AdaptiveMaxPool2d(2),
        nn.Flatten(2),
        nn.Sequential(nn.ReLU(), Own()),
    ],
    ids=str,
)
def test_an_unsupported_layer_is_refused(layer: nn.Module) -> None:
    with pytest.raises(UnknownLayerError):
        build_onnx_model(nn.Sequential(layer, nn.Flatten()), 3, ImageSpec())


class Residual(nn.Module):
    """A network of supported layers that are not applied in sequence."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Conv2d(1, 1, 3, padding=1)

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        return torch.add(values, self.layer(values))


def test_a_network_that_is_not_sequential_is_refused() -> None:
    with pytest.raises(UnknownLayerError):
        build_onnx_model(Residual(), 3, ImageSpec())
    with pytest.raises(UnknownLayerError):
        build_onnx_model(nn.Sequential(Residual(), nn.Flatten(), nn.Linear(784, 3)), 3, ImageSpec())


def test_an_unsupported_layer_is_exported_by_torch(tmp_path: Path) -> None:
    spec = ImageSpec(height=8, width=8)
    network = lively(nn.Sequential(Own(), nn.Flatten(), nn.Linear(64, 3)))
    assert write_onnx(network, "abc", spec, tmp_path / "model.onnx") < 1e-5
    images = noise((8, 8))
    with torch.inference_mode():
        expected = Recognizer(network, spec).eval()(torch.from_numpy(images)).numpy()
    np.testing.assert_allclose(Predictor(tmp_path / "model.onnx").probabilities(images[:, 0]), expected, atol=1e-5)
