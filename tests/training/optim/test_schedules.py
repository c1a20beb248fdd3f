"""Schedules: the learning rate of each step, in the formula and in the optimizer."""

import csv
import itertools
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from charcnn.training import step as module
from charcnn.training.optim.schedules import learning_rate
from charcnn.training.torch_startup import take_step
from charcnn.training.train import Trained
from tests.support.configs import resolved


def rates(schedule: str, epochs: int, steps: int, **settings: Any) -> list[float]:
    config = resolved(schedule=schedule, epochs=epochs, lr=0.5, **settings)
    return [learning_rate(config, step, steps) for step in range(epochs * steps)]


def of_torch(scheduler: Callable[[torch.optim.Optimizer], Any], total: int) -> list[float]:
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.5)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        schedule = scheduler(optimizer)
    found = []
    for step in range(total):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        if step < total - 1:
            schedule.step()
    return found


def test_a_constant_rate_stays() -> None:
    assert set(rates("constant", 3, 4)) == {0.5}


def test_constant_adds_the_increment_after_each_epoch() -> None:
    assert rates("constant", 3, 2, lr_increment=0.25) == [0.5, 0.5, 0.75, 0.75, 1.0, 1.0]
    assert rates("constant", 3, 1, lr_increment=-0.125) == [0.5, 0.375, 0.25]


@pytest.mark.parametrize(("epochs", "steps"), [(1, 1), (1, 7), (4, 25)])
def test_cosine_equals_torchs(epochs: int, steps: int) -> None:
    ours, total = rates("cosine", epochs, steps), epochs * steps
    assert ours[0] == 0.5
    assert all(later < earlier for earlier, later in itertools.pairwise(ours))
    assert ours[-1] > 0
    theirs = of_torch(lambda optimizer: torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=total), total)
    assert ours == pytest.approx(theirs, abs=1e-12)


@pytest.mark.parametrize(("epochs", "steps"), [(1, 11), (3, 10), (9, 100)])
def test_onecycle_equals_torchs_step_by_step(epochs: int, steps: int) -> None:
    ours, total = rates("onecycle", epochs, steps), epochs * steps
    theirs = of_torch(
        lambda optimizer: torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.5, total_steps=total), total
    )
    assert ours == pytest.approx(theirs, abs=1e-9)


@pytest.mark.parametrize("schedule", ["constant", "cosine", "onecycle"])
def test_a_training_of_one_step_has_a_rate(schedule: str) -> None:
    (rate,) = rates(schedule, 1, 1)
    assert 0 < rate <= 0.5


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Record the optimizer's learning rate at each step."""
    found: list[float] = []

    def spied(optimizer: torch.optim.Optimizer) -> None:
        found.append(optimizer.param_groups[0]["lr"])
        take_step(optimizer)

    monkeypatch.setattr(module, "take_step", spied)
    return found


@pytest.mark.parametrize("opt", ["sgd", "adam", "gd"])
def test_the_increment_reaches_the_optimizer(
    draw: Callable[..., Path], run: Callable[..., Trained], seen: list[float], opt: str
) -> None:
    trained = run(draw("small"), epochs=3, opt=opt, lr=0.001, lr_increment=0.002, val_split=0)  # 24 images: 3 steps
    assert seen == pytest.approx([0.001] * 3 + [0.003] * 3 + [0.005] * 3)
    assert [record.lr for record in trained.history] == pytest.approx([0.001, 0.003, 0.005])
    with trained.version.file("history.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [float(row["lr"]) for row in rows] == pytest.approx([0.001, 0.003, 0.005])


def test_the_increment_changes_the_weights_from_the_second_epoch_on(
    draw: Callable[..., Path], run: Callable[..., Trained]
) -> None:
    data = draw("small")
    flat, rising = (run(data, epochs=2, lr_increment=step).history for step in (0.0, 0.01))
    assert flat[0].loss == rising[0].loss
    assert flat[1].loss != rising[1].loss


@pytest.mark.parametrize("schedule", ["cosine", "onecycle"])
def test_a_schedule_reaches_the_optimizer_at_every_step(
    draw: Callable[..., Path], run: Callable[..., Trained], seen: list[float], schedule: str
) -> None:
    run(draw("small"), epochs=2, schedule=schedule, lr=0.5, opt="gd", val_split=0)
    assert seen == pytest.approx(rates(schedule, 2, 3))
