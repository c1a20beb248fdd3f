"""The learning rate, step by step."""

import math

from charcnn.specs.resolved_config import ResolvedConfig

_WARM = 0.3
"""Share of the steps in which `onecycle` rises."""
_START, _END = 1 / 25, 1e-4 / 25
"""Where `onecycle` begins and ends, in shares of the learning rate."""


def learning_rate(config: ResolvedConfig, step: int, steps_per_epoch: int) -> float:
    """Return the learning rate of one step.

    `constant` adds `lr_increment` after each epoch; `cosine` falls to 0; `onecycle` rises to the learning rate and
    falls below where it began, along cosines (Smith and Topin, arXiv:1708.07120).

    Args:
        config: Its lr, epochs and schedule are used.
        step: Counted from 0 over the whole training.
        steps_per_epoch: Steps in an epoch.
    """
    lr, total = config.lr, config.epochs * steps_per_epoch
    if config.schedule == "constant":
        return lr + config.lr_increment * (step // steps_per_epoch)
    if config.schedule == "cosine":
        return lr * _cosine(1, 0, step / total)
    peak = max(0.0, _WARM * total - 1)  # as torch.optim.lr_scheduler.OneCycleLR has it
    if step <= peak:
        return lr * _cosine(_START, 1, step / peak if peak else 1.0)
    return lr * _cosine(1, _END, (step - peak) / (total - 1 - peak))


def _cosine(start: float, end: float, share: float) -> float:
    return end + (start - end) * (1 + math.cos(math.pi * share)) / 2
