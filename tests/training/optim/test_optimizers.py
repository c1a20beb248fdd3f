"""Optimizers: their settings, and gradient descent as in the original course."""

from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional

from charcnn.networks.catalogue import get_network
from charcnn.specs.optimizers import OPTIMIZERS, Optimizer
from charcnn.training.optim.optimizers import GradientDescent, make_optimizer
from tests.support.configs import resolved


def made(opt: str, **settings: Any) -> torch.optim.Optimizer:
    return make_optimizer(resolved(opt=opt, **settings), [nn.Parameter(torch.ones(2))])


ADAM = {"betas": (0.9, 0.999), "eps": 1e-8}


DOCUMENTED: dict[str, tuple[type, dict[str, Any]]] = {
    "sgd": (torch.optim.SGD, {"lr": 0.01, "momentum": 0.9, "nesterov": False, "weight_decay": 0}),
    "nesterov": (torch.optim.SGD, {"lr": 0.01, "momentum": 0.9, "nesterov": True, "weight_decay": 0}),
    "adam": (torch.optim.Adam, {"lr": 0.001, "weight_decay": 0, "amsgrad": False, **ADAM}),
    "adamw": (torch.optim.AdamW, {"lr": 0.001, "weight_decay": 0.01, "amsgrad": False, **ADAM}),
    "rmsprop": (torch.optim.RMSprop, {"lr": 0.001, "momentum": 0, "weight_decay": 0, "alpha": 0.99}),
    "gd": (GradientDescent, {"lr": 0.01}),
}


@pytest.mark.parametrize("opt", OPTIMIZERS)
def test_every_optimizer_has_its_documented_settings(opt: str) -> None:
    kind, documented = DOCUMENTED[opt]
    optimizer = made(opt)
    assert type(optimizer) is kind
    (group,) = optimizer.param_groups
    assert {name: group[name] for name in documented} == documented


@pytest.mark.parametrize("opt", OPTIMIZERS)
def test_settings_asked_for_reach_the_optimizer(opt: Optimizer) -> None:
    wanted = {"lr": 0.5, "momentum": 0.25, "weight_decay": 0.125}
    settings = {name: value for name, value in wanted.items() if getattr(OPTIMIZERS[opt], name) is not None}
    (group,) = made(opt, **settings).param_groups
    assert {name: group[name] for name in settings} == settings


def test_gd_equals_sgd_without_momentum_step_for_step() -> None:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        ours, theirs = (get_network("lenet").build(3).double() for _ in range(2))
    theirs.load_state_dict(ours.state_dict())
    config = resolved(opt="gd", lr=0.1)
    pairs = [
        (ours, make_optimizer(config, ours.parameters())),
        (theirs, torch.optim.SGD(theirs.parameters(), lr=0.1)),
    ]
    draws = torch.Generator().manual_seed(0)
    for _step in range(10):
        images = torch.rand(6, 1, 32, 32, generator=draws, dtype=torch.float64)
        labels = torch.randint(3, (6,), generator=draws)
        before = [weight.clone() for weight in ours.parameters()]
        for network, optimizer in pairs:
            optimizer.zero_grad()
            functional.cross_entropy(network(images), labels).backward()  # type: ignore[no-untyped-call]
            optimizer.step()
        assert all(not torch.equal(old, new) for old, new in zip(before, ours.parameters(), strict=True))
        for one, other in zip(ours.parameters(), theirs.parameters(), strict=True):
            torch.testing.assert_close(one, other, rtol=0, atol=1e-14)


def test_gd_subtracts_the_scaled_gradient() -> None:
    weight, untouched = nn.Parameter(torch.tensor([1.0, -2.0])), nn.Parameter(torch.tensor([5.0]))
    optimizer = GradientDescent([weight, untouched], lr=0.5)
    weight.grad = torch.tensor([4.0, 8.0])
    optimizer.step()
    assert weight.tolist() == [-1.0, -6.0]
    assert untouched.tolist() == [5.0]


def test_gd_takes_a_closure_as_every_optimizer_does() -> None:
    weight = nn.Parameter(torch.tensor([1.0]))
    optimizer = GradientDescent([weight], lr=0.5)

    def closure() -> float:
        weight.grad = torch.tensor([2.0])
        return 7.0

    assert optimizer.step(closure) == 7.0
    assert weight.tolist() == [0.0]


def test_gd_uses_the_current_learning_rate() -> None:
    weight = nn.Parameter(torch.tensor([0.0]))
    optimizer = GradientDescent([weight], lr=1.0)
    weight.grad = torch.tensor([-1.0])
    for lr in (1.0, 0.25):
        optimizer.param_groups[0]["lr"] = lr
        optimizer.step()
    assert weight.tolist() == [1.25]
