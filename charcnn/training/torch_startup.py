"""Use torch's optimizers without importing its compiler, which takes two seconds.

torch wraps two methods of its optimizers to hide them from the compiler. The first call of either imports the compiler,
although nothing is compiled. In tested versions of torch, this module calls the two methods without the wrapper. In
other versions, it calls them normally, and training starts later. No other module uses torch's internals.
"""

import inspect
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch.optim import Optimizer, optimizer

TESTED_VERSIONS = ("2.14",)
"""The versions of torch whose internals this module knows."""

_DISABLED_METHOD_ATTRIBUTE = "__dynamo_disable"
"""Attribute in which `torch._disable_dynamo` caches the method without the compiler."""


def is_tested() -> bool:
    """Return whether the installed version of torch was tested with this module."""
    return ".".join(torch.__version__.split(".")[:2]) in TESTED_VERSIONS


@contextmanager
def compiler_not_imported() -> Iterator[None]:
    """Allow optimizers to be constructed within a block without importing torch's compiler."""
    method = inspect.unwrap(Optimizer.add_param_group)
    if not is_tested() or hasattr(method, _DISABLED_METHOD_ATTRIBUTE):
        yield
        return
    setattr(method, _DISABLED_METHOD_ATTRIBUTE, method)
    try:
        yield
    finally:
        delattr(method, _DISABLED_METHOD_ATTRIBUTE)


def take_step(stepped: Optimizer) -> None:
    """Take an optimizer step without importing torch's compiler.

    If a hook, the profiler or a learning-rate scheduler observes the step, this calls `stepped.step()`.
    """
    if not is_tested() or _is_observed(stepped):
        stepped.step()
        return
    with torch.no_grad():
        inspect.unwrap(type(stepped).step)(stepped)


def _is_observed(stepped: Optimizer) -> bool:
    """Return whether a hook, the profiler or a scheduler observes the steps of an optimizer."""
    return bool(
        "step" in vars(stepped)  # torch's schedulers replace the method
        or stepped._optimizer_step_pre_hooks
        or stepped._optimizer_step_post_hooks
        or optimizer._global_optimizer_pre_hooks
        or optimizer._global_optimizer_post_hooks
        or torch._C._autograd._profiler_enabled()
    )
