"""The losses, and weights of classes in them."""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

from charcnn.specs.choices import ClassWeights
from charcnn.specs.resolved_config import ResolvedConfig

LossFunction = Callable[[Tensor, Tensor], Tensor]
"""Logits `[N,C]` float32 and labels `[N]` int64 → a mean, scalar."""


def make_loss(config: ResolvedConfig, weights: Tensor | None) -> LossFunction:
    """Return the loss of a config.

    `ce` is the cross entropy of the logits. `mse` and `l1` compare the softmax of the logits with the one-hot label:
    the squared or absolute differences are summed over the classes (for `mse` that is the Brier score) and averaged
    over the images. Label smoothing `s` makes the one-hot `1 - s + s / C` and `s / C`. Class weights make it a
    weighted average.

    Args:
        config: Its loss and label smoothing are used.
        weights: float32 `[C]`, or None for all alike.
    """
    smoothing = config.label_smoothing

    def cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
        return functional.cross_entropy(logits, labels, reduction="none", label_smoothing=smoothing)

    def distance(logits: Tensor, labels: Tensor) -> Tensor:
        classes = logits.shape[1]
        target = functional.one_hot(labels, classes) * (1 - smoothing) + smoothing / classes
        difference = torch.softmax(logits, 1) - target
        return (difference.abs() if config.loss == "l1" else difference.square()).sum(1)

    per_image = cross_entropy if config.loss == "ce" else distance

    def mean(logits: Tensor, labels: Tensor) -> Tensor:
        losses = per_image(logits, labels)  # [N]
        if weights is None:
            return losses.mean()
        own = weights[labels]
        return (losses * own).sum() / own.sum()

    return mean


def class_weights(kind: ClassWeights, labels: Tensor, classes: int) -> Tensor | None:
    """Return each class's weight: `inverse` of its number of images, or of that number's square root; mean weight 1.

    Args:
        kind: None is returned for `none`.
        labels: int64 `[N]`, the labels trained on.
        classes: Number of classes.

    Returns:
        float32 `[C]`.
    """
    if kind == "none":
        return None
    counts = torch.bincount(labels, minlength=classes).clamp(min=1).float()
    weights = 1 / counts if kind == "inverse" else 1 / counts.sqrt()
    return weights * classes / weights.sum()
