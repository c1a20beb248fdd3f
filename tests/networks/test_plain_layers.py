"""`plain_layers`: every module is called, and hooks see the shapes of the design."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from charcnn.networks.blocks import plain_layers
from charcnn.networks.catalogue import get_network

NETWORKS = ("cnn", "cnn-dropout", "lenet", "lenet-wide", "compact")


def fresh(name: str) -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return get_network(name).build(3, {"dropout": 0.0}).train()


def batch(name: str) -> Tensor:
    size = get_network(name).size
    return torch.rand(5, 1, size, size, generator=torch.Generator().manual_seed(1)) - 1


def observed(network: nn.Module, images: Tensor) -> list[tuple[str, tuple[int, ...]]]:
    """Names and output shapes, without the batch dimension, of the leaves whose forward hooks are called."""
    seen: list[tuple[str, tuple[int, ...]]] = []

    def note(name: str) -> Any:
        return lambda _part, _inputs, output: seen.append((name, tuple(output.shape[1:])))

    hooks = [part.register_forward_hook(note(name)) for name, part in leaves(network)]
    network(images)
    for hook in hooks:
        hook.remove()
    return seen


def leaves(network: nn.Module) -> list[tuple[str, nn.Module]]:
    return [(name, part) for name, part in network.named_modules() if not list(part.children())]


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("training", [True, False])
def test_the_hook_of_every_leaf_is_called_once_in_order(name: str, training: bool) -> None:
    network = fresh(name).train(training)
    with plain_layers(network):
        seen = observed(network, batch(name))
    assert [leaf for leaf, _ in seen] == [leaf for leaf, _ in leaves(network)]


def test_hooks_see_the_shapes_of_the_documented_design() -> None:
    network = fresh("cnn")
    with plain_layers(network):
        shapes = list(dict.fromkeys(shape for _, shape in observed(network, batch("cnn"))))
    assert shapes == [(25, 26, 26), (25, 13, 13), (50, 11, 11), (50, 5, 5), (1250,), (1024,), (128,), (3,)]


@pytest.mark.parametrize(
    ("name", "options"),
    [("compact", {}), *((name, {"batch_norm": is_on}) for name in NETWORKS[:4] for is_on in (True, False))],
)
def test_outputs_gradients_and_statistics_equal_the_fast_ones(name: str, options: dict[str, bool]) -> None:
    found = []
    for is_plain in (True, False):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            network = get_network(name).build(3, options).train()
            for part in network.modules():
                if isinstance(part, nn.Dropout):
                    part.p = 0.0  # random numbers depend on the memory format
            if is_plain:
                with plain_layers(network):
                    logits = network(batch(name))
            else:
                logits = network(batch(name))
        loss = nn.functional.cross_entropy(logits, torch.tensor([0, 1, 2, 0, 1]))
        gradients = torch.autograd.grad(loss, list(network.parameters()))
        found.append([logits, *gradients, *network.buffers()])
    for plain, fast in zip(*found, strict=True):
        torch.testing.assert_close(plain, fast, rtol=1e-5, atol=1e-5)


def test_the_fast_way_is_back_after_the_block_even_after_an_error() -> None:
    network = fresh("cnn")
    before = observed(network, batch("cnn"))
    with pytest.raises(RuntimeError), plain_layers(network):
        network(torch.zeros(1, 1, 5, 5))
    with plain_layers(network), plain_layers(network):
        pass
    assert observed(network, batch("cnn")) == before


def test_a_hook_that_replaces_an_output_takes_effect() -> None:
    network = fresh("cnn")
    first = next(part for part in network.modules() if isinstance(part, nn.Conv2d))
    first.register_forward_hook(lambda _part, _inputs, output: output * 0)
    with plain_layers(network):
        one, other = network(batch("cnn")), network(batch("cnn").flip(0))
    torch.testing.assert_close(one, other)
