"""`take_step` equals `Optimizer.step`, and hooks, profilers and schedulers still observe the step."""

import subprocess
import sys
from typing import Any

import pytest
import torch
from torch import nn
from torch.optim import Optimizer
from torch.optim.optimizer import register_optimizer_step_post_hook

from charcnn.training import torch_startup
from charcnn.training.optim.optimizers import make_optimizer
from charcnn.training.torch_startup import take_step
from tests.support.configs import resolved

OPTIMIZERS = ("sgd", "nesterov", "adam", "adamw", "rmsprop", "gd")


@pytest.fixture(params=[True, False], ids=["tested version", "other version"])
def version(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    if not request.param:
        monkeypatch.setattr(torch_startup, "TESTED_VERSIONS", ())
    return bool(request.param)


def pair(opt: str) -> tuple[nn.Parameter, Optimizer]:
    weight = nn.Parameter(torch.tensor([1.0, -2.0, 3.0]))
    return weight, make_optimizer(resolved(opt=opt, lr=0.1), [weight])


def test_the_installed_torch_is_a_tested_one() -> None:
    assert torch_startup.is_tested()


@pytest.mark.parametrize("opt", OPTIMIZERS)
def test_take_step_equals_the_optimizers_step(opt: str, version: bool) -> None:
    (ours, one), (theirs, other) = pair(opt), pair(opt)
    for step in range(5):
        for weight in (ours, theirs):
            weight.grad = torch.tensor([0.5, -1.0, 2.0]) * (step + 1)
        take_step(one)
        other.step()
    assert torch.equal(ours, theirs)
    assert not torch.equal(ours, torch.tensor([1.0, -2.0, 3.0]))


@pytest.mark.parametrize("opt", OPTIMIZERS)
def test_hooks_of_the_optimizer_are_called(opt: str, version: bool) -> None:
    weight, optimizer = pair(opt)
    calls: list[str] = []
    optimizer.register_step_pre_hook(lambda *_: calls.append("before"))
    optimizer.register_step_post_hook(lambda *_: calls.append("after"))
    weight.grad = torch.ones(3)
    take_step(optimizer)
    assert calls == ["before", "after"]


def test_hooks_of_all_optimizers_are_called(version: bool) -> None:
    weight, optimizer = pair("adam")
    calls: list[Any] = []
    hook = register_optimizer_step_post_hook(lambda which, *_: calls.append(which))
    try:
        weight.grad = torch.ones(3)
        take_step(optimizer)
    finally:
        hook.remove()
    assert calls == [optimizer]


def test_the_profiler_sees_the_step(version: bool) -> None:
    weight, optimizer = pair("adam")
    weight.grad = torch.ones(3)
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as profile:
        take_step(optimizer)
    assert any(event.key.startswith("Optimizer.step#Adam") for event in profile.key_averages())


def test_a_scheduler_of_torchs_counts_the_step(version: bool) -> None:
    weight, optimizer = pair("adam")
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 1)
    weight.grad = torch.ones(3)
    take_step(optimizer)
    scheduler.step()  # would warn if no step had been taken, and warnings are errors


@pytest.mark.parametrize("tested", [True, False])
def test_the_compiler_is_imported_only_by_other_versions_of_torch(tested: bool) -> None:
    program = f"""
import inspect, sys, torch
from charcnn.training import torch_startup
if not {tested}:
    torch_startup.TESTED_VERSIONS = ()
weight = torch.nn.Parameter(torch.ones(1))
with torch_startup.compiler_not_imported():
    optimizer = torch.optim.Adam([weight], fused=True)
weight.grad = torch.ones(1)
torch_startup.take_step(optimizer)
print("torch._dynamo" in sys.modules)
print("__dynamo_disable" in vars(inspect.unwrap(torch.optim.Optimizer.add_param_group)))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    is_imported, is_marked = done.stdout.split()
    assert is_imported == str(not tested)
    if tested:
        assert is_marked == "False"  # torch is restored
