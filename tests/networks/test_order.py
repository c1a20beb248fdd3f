"""The networks of the original course compute the same function, although they pool before the activation."""

from typing import NamedTuple

import pytest
import torch
from torch import nn

from charcnn.networks.activations import ACTIVATIONS, activation_module
from charcnn.networks.catalogue import get_network


class Plan(NamedTuple):
    """The layer sizes of one of the original course's networks."""

    size: int
    channels: tuple[int, int]
    kernel: int
    padding: int
    hidden: tuple[int, int, int]
    dropout: tuple[float, float] = (0.0, 0.0)


PLANS = {
    "cnn": Plan(28, (25, 50), 3, 0, (1250, 1024, 128)),
    "cnn-dropout": Plan(28, (25, 50), 3, 0, (1250, 1024, 128), (0.2, 0.5)),
    "lenet": Plan(32, (6, 16), 5, 0, (400, 120, 84)),
    "lenet-wide": Plan(32, (32, 64), 5, 2, (4096, 120, 84)),
}
CLASSES = 7


def course_network(name: str, activation: str, batch_norm: bool) -> nn.Sequential:
    """The network as in the course's handout: convolution, norm, activation, pool."""
    plan, layers = PLANS[name], list[nn.Module]()
    for inner, outer in ((1, plan.channels[0]), plan.channels):
        layers.append(nn.Conv2d(inner, outer, plan.kernel, padding=plan.padding))
        if batch_norm:
            layers.append(nn.BatchNorm2d(outer))
        layers += [activation_module(activation), nn.MaxPool2d(2)]
    layers.append(nn.Flatten())
    for inner, outer, rate in zip(plan.hidden[:2], plan.hidden[1:], plan.dropout, strict=True):
        layers += [nn.Linear(inner, outer), activation_module(activation), nn.Dropout(rate)]
    return nn.Sequential(*layers, nn.Linear(plan.hidden[2], CLASSES))


def pair(name: str, activation: str, batch_norm: bool) -> tuple[nn.Module, nn.Module]:
    """The network and the course's network, initialized with the same seed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(4)
        ours = get_network(name).build(CLASSES, {"activation": activation, "batch_norm": batch_norm})
        torch.manual_seed(4)
        return ours, course_network(name, activation, batch_norm)


def images(name: str, count: int = 5) -> torch.Tensor:
    size = PLANS[name].size
    return torch.randn(count, 1, size, size, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("name", PLANS)
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("batch_norm", [True, False], ids=["norm", "no norm"])
def test_a_seed_gives_the_weights_and_outputs_of_the_course(name: str, activation: str, batch_norm: bool) -> None:
    ours, labs = pair(name, activation, batch_norm)
    old, new = labs.state_dict(), ours.state_dict()
    assert list(old) == list(new)
    assert all(torch.equal(value, new[key]) for key, value in old.items())
    draws = torch.Generator().manual_seed(2)
    with torch.no_grad():
        for key, value in old.items():  # random biases, slopes and statistics, some of them negative
            if value.ndim == 1:
                change = torch.randn(value.shape, generator=draws)
                value.copy_(change.abs() + 0.5 if key.endswith("running_var") else change)
    labs.load_state_dict(old)
    ours.load_state_dict(old)
    with torch.inference_mode():
        torch.testing.assert_close(ours.eval()(images(name)), labs.eval()(images(name)))


@pytest.mark.parametrize("name", ["cnn", "lenet", "lenet-wide"])
@pytest.mark.parametrize("activation", ["relu", "sigmoid", "prelu"])
@pytest.mark.parametrize("batch_norm", [True, False], ids=["norm", "no norm"])
def test_gradients_and_statistics_equal_those_of_the_course(name: str, activation: str, batch_norm: bool) -> None:
    labels = torch.tensor([0, 1, 2, 3, 6])
    gradients, statistics = [], []
    for module in pair(name, activation, batch_norm):
        module.train()
        loss = nn.functional.cross_entropy(module(images(name)), labels)
        gradients.append(torch.autograd.grad(loss, list(module.parameters())))
        statistics.append(dict(module.named_buffers()))
    for ours, labs in zip(*gradients, strict=True):
        torch.testing.assert_close(ours, labs, rtol=1e-4, atol=1e-6)
    assert all(gradient.any() for gradient in gradients[0][-4:])
    for key, value in statistics[1].items():
        torch.testing.assert_close(statistics[0][key], value)


@pytest.mark.parametrize("end", [4, 8, 9, 16])
@pytest.mark.parametrize("frozen", [False, True])
def test_intermediate_outputs_in_training_equal_those_of_the_course(end: int, frozen: bool) -> None:
    ours, labs = (module.train() for module in pair("cnn", "relu", True))
    assert isinstance(ours, nn.Sequential)
    assert isinstance(labs, nn.Sequential)
    for module in (ours, labs):
        module[1].train(not frozen)
    torch.testing.assert_close(ours[:end](images("cnn")), labs[:end](images("cnn")))


def test_prelu_comes_before_the_pool() -> None:
    """Its slope is learned and may become negative, so PReLU and the pool do not commute."""
    kinds = [type(part) for part in get_network("cnn").build(3, {"activation": "prelu"}).children()]
    assert kinds.index(nn.PReLU) < kinds.index(nn.MaxPool2d)
