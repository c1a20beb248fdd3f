"""Learning-rate schedules."""

import math

from charcnn.specs.resolved_config import ResolvedConfig

_WARMUP_FRACTION = 0.3
"""Fraction of the steps in which `onecycle` increases the learning rate."""
_START_FACTOR, _END_FACTOR = 1 / 25, 1e-4 / 25
"""First and last learning rate of `onecycle`, as factors of the maximum."""


def learning_rate(config: ResolvedConfig, step: int, steps_per_epoch: int) -> float:
    """Return the learning rate of one step.

    - `constant`: `lr`, plus `lr_increment` after each epoch.
    - `cosine`: from `lr` to 0 along a cosine.
    - `onecycle`: from `lr / 25` to `lr` and then to `lr / 250000`, along cosines.

    Args:
        config: The learning rate, the number of epochs and the schedule.
        step: Number of the step, from 0 over the whole training.
        steps_per_epoch: Number of steps per epoch.

    Source:
        `onecycle`: Smith and Topin, arXiv:1708.07120.
    """
    lr, total = config.lr, config.epochs * steps_per_epoch
    if config.schedule == "constant":
        return lr + config.lr_increment * (step // steps_per_epoch)
    if config.schedule == "cosine":
        return lr * _cosine(1, 0, step / total)
    peak = max(0.0, _WARMUP_FRACTION * total - 1)  # as in torch.optim.lr_scheduler.OneCycleLR
    if step <= peak:
        return lr * _cosine(_START_FACTOR, 1, step / peak if peak else 1.0)
    return lr * _cosine(1, _END_FACTOR, (step - peak) / (total - 1 - peak))


def _cosine(start: float, end: float, progress: float) -> float:
    """Return the value between `start` and `end` on half a cosine wave, at a progress of 0 … 1."""
    return end + (start - end) * (1 + math.cos(math.pi * progress)) / 2
