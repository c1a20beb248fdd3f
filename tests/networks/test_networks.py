"""Tests for every built-in network, and for the options of some."""

import subprocess
import sys
from functools import cache

import pytest
import torch
from torch import nn

from charcnn.errors import ConfigError
from charcnn.networks.activations import ACTIVATIONS, activation_module
from charcnn.networks.built_in import BUILT_IN
from charcnn.networks.catalogue import get_network, networks
from charcnn.networks.weights import classifier_name
from charcnn.training.recipes import RECIPES

LAB = ("cnn", "cnn-dropout", "lenet", "lenet-wide")
ALL = tuple(sorted(BUILT_IN))


def build(name: str, classes: int, seed: int = 0, **options: str | float | bool) -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return get_network(name).build(classes, options)


@cache
def built(name: str, classes: int) -> nn.Module:
    """Build a network in evaluation mode. It is cached, so tests must not change it."""
    return build(name, classes).eval()


def images(count: int, size: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(count, 1, size, size, generator=torch.Generator().manual_seed(seed)) - 1


def test_networks_that_cards_and_scripts_name_are_there() -> None:
    assert {"compact", "compact-l", *LAB, "resnet18", "mobilenet_v3_small"} <= set(networks())


def test_each_built_in_network_is_registered_by_the_module_that_the_table_names() -> None:
    modules = {name: network.builder.__module__ for name, network in networks().items()}
    assert {name: module for name, module in modules.items() if module in BUILT_IN.values()} == BUILT_IN


@pytest.mark.parametrize("name", ALL)
class TestEveryNetwork:
    """Tests that every built-in network must pass."""

    def test_describes_itself(self, name: str) -> None:
        info = get_network(name)
        assert info.name == name
        assert info.summary
        assert info.recipe in RECIPES
        assert info.size == info.sizes[0]
        assert len(set(info.sizes)) == len(info.sizes)

    @pytest.mark.parametrize("classes", [2, 12])
    def test_returns_finite_logits(self, name: str, classes: int) -> None:
        for count in (1, 2, 5):
            logits = built(name, classes)(images(count, get_network(name).size))
            assert logits.shape == (count, classes)
            assert logits.dtype == torch.float32
            assert torch.isfinite(logits).all()
            assert (logits.sum(1) - 1).abs().max() > 1e-3  # logits, not probabilities

    def test_takes_images_of_each_of_its_sizes_and_of_no_other(self, name: str) -> None:
        info = get_network(name)
        for size in info.sizes:
            assert info.check_size(size) == size
            logits = built(name, 12)(images(2, size))
            assert logits.shape == (2, 12)
            assert torch.isfinite(logits).all()
        assert info.check_size(None) == info.size
        with pytest.raises(ConfigError, match=f"{name} does not support images of 30 × 30") as fault:
            info.check_size(30)
        assert all(str(size) in fault.value.hint for size in info.sizes)

    def test_an_image_does_not_depend_on_its_neighbors(self, name: str) -> None:
        module, batch = built(name, 12), images(3, get_network(name).size)
        torch.testing.assert_close(module(batch)[1:2], module(batch[1:2]), rtol=1e-4, atol=1e-5)

    def test_the_gradient_reaches_every_parameter(self, name: str) -> None:
        # in training mode, a bias before a batch norm has no gradient
        module, labels = built(name, 2), torch.tensor([0, 1, 1, 1])
        weights = dict(module.named_parameters())
        loss = nn.functional.cross_entropy(module(images(4, get_network(name).size)), labels)
        gradients = torch.autograd.grad(loss, list(weights.values()), allow_unused=True)
        by_name = dict(zip(weights, gradients, strict=True))
        assert [key for key, value in by_name.items() if value is None or not value.any()] == []
        assert all(torch.isfinite(value).all() for value in gradients)

    def test_the_same_seed_gives_the_same_weights(self, name: str) -> None:
        one, same, other = built(name, 2).state_dict(), build(name, 2).state_dict(), build(name, 2, 1).state_dict()
        assert all(torch.equal(value, same[key]) for key, value in one.items())
        assert any(not torch.equal(value, other[key]) for key, value in one.items())

    def test_an_option_that_it_lacks_is_refused(self, name: str) -> None:
        with pytest.raises(ConfigError, match=f"network {name} has no option hidden_size"):
            get_network(name).build(3, {"hidden_size": 3.0})

    def test_an_option_that_is_none_is_not_given(self, name: str) -> None:
        assert get_network(name).check_options({"hidden_size": None}) == {}

    @pytest.mark.parametrize("classes", [2, 12])
    def test_the_count_of_parameters_is_the_real_one(self, name: str, classes: int) -> None:
        real = sum(weight.numel() for weight in built(name, classes).parameters())
        assert get_network(name).parameters(classes) == real

    def test_its_last_linear_layer_holds_the_classes(self, name: str) -> None:
        head = built(name, 12).get_submodule(classifier_name(built(name, 12)))
        assert isinstance(head, nn.Linear)
        assert head.out_features == 12

    def test_its_own_options_are_taken(self, name: str) -> None:
        info = get_network(name)
        assert set(info.default_options) <= set(info.options)
        own = build(name, 2, 0, **info.default_options)
        assert [type(part) for part in own.modules()] == [type(part) for part in built(name, 2).modules()]


KINDS = {"relu": nn.ReLU, "sigmoid": nn.Sigmoid, "tanh": nn.Tanh, "leaky-relu": nn.LeakyReLU, "prelu": nn.PReLU}


@pytest.mark.parametrize("network_name", LAB)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_an_activation_follows_every_layer_but_the_last(network_name: str, activation: str) -> None:
    module = build(network_name, 3, activation=activation)
    found = [part for part in module.modules() if isinstance(part, tuple(KINDS.values()))]
    assert len(found) == 4
    assert {type(part) for part in found} == {KINDS[activation]}
    assert module(images(2, get_network(network_name).size)).shape == (2, 3)


def test_an_unknown_activation_offers_the_closest() -> None:
    with pytest.raises(ConfigError, match="Unknown activation: leakyrelu") as fault:
        activation_module("leakyrelu")
    assert "leaky-relu" in fault.value.hint


@pytest.mark.parametrize("name", LAB)
def test_batch_norm_after_each_convolution_or_none(name: str) -> None:
    def norms(module: nn.Module) -> int:
        return sum(isinstance(part, nn.BatchNorm2d) for part in module.modules())

    assert norms(build(name, 3, batch_norm=True)) == 2
    assert norms(build(name, 3, batch_norm=False)) == 0
    assert norms(build(name, 3)) == (2 if name.startswith("cnn") else 0)


def dropouts(module: nn.Module) -> list[tuple[int, float]]:
    """(features, rate) of each dropout, with the output features of the linear layer before it."""
    found, features = [], 0
    for part in module.modules():
        if isinstance(part, nn.Linear):
            features = part.out_features
        elif isinstance(part, nn.Dropout):
            found.append((features, part.p))
    return found


@pytest.mark.parametrize(
    ("name", "dropout", "expected"),
    [
        ("cnn", None, [(1024, 0.0), (128, 0.0)]),
        ("cnn", 0.3, [(1024, 0.3), (128, 0.3)]),
        ("cnn-dropout", None, [(1024, 0.2), (128, 0.5)]),
        ("cnn-dropout", 0.4, [(1024, 0.4), (128, 0.4)]),
        ("cnn-dropout", 0.0, [(1024, 0.0), (128, 0.0)]),
        ("lenet", None, [(120, 0.0), (84, 0.0)]),
        ("lenet", 0.3, [(120, 0.3), (84, 0.3)]),
        ("lenet-wide", 0.3, [(120, 0.3), (84, 0.3)]),
    ],
)
def test_dropout_stands_where_it_is_said_to(
    name: str, dropout: float | None, expected: list[tuple[int, float]]
) -> None:
    options = {} if dropout is None else {"dropout": dropout}
    assert dropouts(build(name, 3, 0, **options)) == expected


def test_dropout_comes_after_the_activation() -> None:
    kinds = [type(part) for part in build("cnn-dropout", 3).children()]
    places = [index for index, kind in enumerate(kinds) if kind is nn.Dropout]
    assert [kinds[index - 1] for index in places] == [nn.ReLU, nn.ReLU]


def test_dropout_works_in_training_only() -> None:
    module, batch = build("cnn-dropout", 3), images(2, 28)
    assert torch.equal(module.eval()(batch), module(batch))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        module.train()
        assert not torch.equal(module(batch), module(batch))


@pytest.mark.parametrize(
    ("typed", "meant"), [("lenet-wied", "lenet-wide"), ("resnet-18", "resnet18"), ("cnn-droput", "cnn-dropout")]
)
def test_an_unknown_network_offers_the_closest(typed: str, meant: str) -> None:
    with pytest.raises(ConfigError, match=f"Unknown network: {typed}") as fault:
        get_network(typed)
    assert f"Did you mean {meant}?" in fault.value.hint


def test_a_network_unlike_any_names_them_all() -> None:
    with pytest.raises(ConfigError) as fault:
        get_network("transformer")
    assert all(name in fault.value.hint for name in ALL)


def test_a_name_is_found_in_any_case() -> None:
    assert get_network("CNN-Dropout") is get_network("cnn-dropout")


def test_torchvision_waits_until_one_of_its_networks_is_built() -> None:
    program = """
import sys
from charcnn.networks.catalogue import get_network, networks

assert len(networks()) > 4
get_network("cnn").build(3)
get_network("lenet").parameters(3)
get_network("mobilenet_v3_small").check_options({"dropout": 0.1})
print("torchvision" in sys.modules)
get_network("resnet18").build(3)
print("torchvision" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "True"]
