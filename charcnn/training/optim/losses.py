"""Loss functions and class weights."""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

from charcnn.specs.choices import ClassWeights
from charcnn.specs.resolved_config import ResolvedConfig

LossFunction = Callable[[Tensor, Tensor], Tensor]
"""Logits, float32 `[N,C]`, and labels, int64 `[N]` → mean loss, scalar."""


def make_loss(config: ResolvedConfig, weights: Tensor | None) -> LossFunction:
    """Return the loss function of a config.

    - `ce`: the cross entropy of the logits.
    - `mse`, `l1`: the squared or absolute differences between the softmax of the logits and the one-hot label, summed
      over the classes. For `mse`, this is the Brier score.

    The losses are averaged over the images. Class weights make this a weighted average. Label smoothing `s` replaces
    the one-hot values 1 and 0 with `1 - s + s / C` and `s / C`.

    Args:
        config: The loss and the label smoothing.
        weights: Class weights, float32 `[C]`. None for equal weights.
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
        image_weights = weights[labels]  # [N]
        return (losses * image_weights).sum() / image_weights.sum()

    return mean


def class_weights(kind: ClassWeights, labels: Tensor, classes: int) -> Tensor | None:
    """Return the weight of each class.

    Args:
        kind: `inverse`: one over the class's number of images. `sqrt`: one over the square root of that number.
            `none`: returns None.
        labels: int64 `[N]`, the training labels.
        classes: Number of classes.

    Returns:
        float32 `[C]`, with a mean of 1.
    """
    if kind == "none":
        return None
    counts = torch.bincount(labels, minlength=classes).clamp(min=1).float()
    weights = 1 / counts if kind == "inverse" else 1 / counts.sqrt()
    return weights * classes / weights.sum()
