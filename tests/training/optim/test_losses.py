"""Losses and class weights equal a computation by hand."""

import math

import numpy as np
import pytest
import torch

from charcnn.training.optim.losses import class_weights, make_loss
from tests.support.configs import resolved

LOGITS = [[2.0, -1.0, 0.5], [0.0, 0.0, 0.0], [-3.0, 1.0, 4.0], [1.0, 1.5, -2.0]]
LABELS = [0, 2, 1, 1]
WEIGHTS = [0.5, 2.0, 0.5]


def by_hand(loss: str, smoothing: float = 0.0, weights: list[float] | None = None) -> float:
    """Compute the loss in plain Python, as the docstring of `make_loss` defines it."""
    total = whole = 0.0
    for logits, label in zip(LOGITS, LABELS, strict=True):
        powers = [math.exp(value) for value in logits]
        softmax = [power / sum(powers) for power in powers]
        target = [smoothing / 3 + (1 - smoothing if index == label else 0) for index in range(3)]
        if loss == "ce":
            one = -sum(t * math.log(p) for t, p in zip(target, softmax, strict=True))
        elif loss == "mse":
            one = sum((p - t) ** 2 for t, p in zip(target, softmax, strict=True))
        else:
            one = sum(abs(p - t) for t, p in zip(target, softmax, strict=True))
        own = weights[label] if weights else 1.0
        total += own * one
        whole += own
    return total / whole


@pytest.mark.parametrize("loss", ["ce", "mse", "l1"])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["alike", "weighted"])
def test_a_loss_is_what_its_docstring_says(loss: str, smoothing: float, weights: list[float] | None) -> None:
    config = resolved(loss=loss, label_smoothing=smoothing)
    function = make_loss(config, None if weights is None else torch.tensor(weights))
    given = float(function(torch.tensor(LOGITS), torch.tensor(LABELS)))
    assert given == pytest.approx(by_hand(loss, smoothing, weights), rel=1e-5)


@pytest.mark.parametrize("loss", ["ce", "mse", "l1"])
def test_a_correct_prediction_has_no_loss_and_a_wrong_one_the_most(loss: str) -> None:
    function = make_loss(resolved(loss=loss), None)
    sure = torch.tensor([[50.0, 0.0, 0.0]])
    assert float(function(sure, torch.tensor([0]))) == pytest.approx(0, abs=1e-6)
    wrong = float(function(sure, torch.tensor([1])))
    assert wrong == pytest.approx({"ce": 50.0, "mse": 2.0, "l1": 2.0}[loss])


@pytest.mark.parametrize("loss", ["ce", "mse", "l1"])
def test_a_step_against_the_gradient_makes_the_loss_smaller(loss: str) -> None:
    function, labels = make_loss(resolved(loss=loss), None), torch.tensor(LABELS)
    logits = torch.tensor(LOGITS, requires_grad=True)
    before = function(logits, labels)
    (gradient,) = torch.autograd.grad(before, logits)
    assert function(logits - 0.01 * gradient, labels) < before


def test_class_weights_follow_the_counts() -> None:
    labels = torch.tensor([0] * 16 + [1] * 4 + [2])
    assert class_weights("none", labels, 3) is None
    for kind, raw in (("inverse", [1 / 16, 1 / 4, 1]), ("sqrt", [1 / 4, 1 / 2, 1])):
        weights = class_weights(kind, labels, 3)  # type: ignore[arg-type]
        assert weights is not None
        assert weights.dtype == torch.float32
        np.testing.assert_allclose(weights, np.array(raw) * 3 / sum(raw), rtol=1e-6)
        assert float(weights.mean()) == pytest.approx(1)


def test_a_class_that_is_not_trained_on_has_a_finite_weight() -> None:
    weights = class_weights("inverse", torch.tensor([0, 0, 2]), 3)
    assert weights is not None
    assert torch.isfinite(weights).all()


def test_equal_classes_weigh_alike() -> None:
    weights = class_weights("inverse", torch.tensor([0, 1, 2] * 5), 3)
    assert weights is not None
    np.testing.assert_allclose(weights, 1, rtol=1e-6)
