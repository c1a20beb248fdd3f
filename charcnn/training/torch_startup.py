"""Optimizers without the two seconds that importing `torch.compile` takes: the one place that uses torch's internals.

torch hides two methods of its optimizers from the compiler: the first call of either imports it, although nothing is
compiled. Both are called here without that wrapper, in the versions of torch that this was tested with; in any other
version they are called as everywhere else, and training starts later.
"""

import inspect
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch.optim import Optimizer, optimizer

TESTED_VERSIONS = ("2.14",)
"""The versions of torch whose internals are as expected here."""

_MARK = "__dynamo_disable"
"""Attribute under which `torch._disable_dynamo` keeps the method that it calls."""


def is_tested() -> bool:
    """Return whether this version of torch was tested."""
    return ".".join(torch.__version__.split(".")[:2]) in TESTED_VERSIONS


@contextmanager
def compiler_not_imported() -> Iterator[None]:
    """Construct optimizers within this block without importing `torch.compile`."""
    method = inspect.unwrap(Optimizer.add_param_group)
    if not is_tested() or hasattr(method, _MARK):
        yield
        return
    setattr(method, _MARK, method)
    try:
        yield
    finally:
        delattr(method, _MARK)


def take_step(stepped: Optimizer) -> None:
    """Do what `stepped.step()` does.

    Where something waits to be told of the step (a hook, the profiler, a scheduler that counts), it is that call.
    """
    if not is_tested() or _is_observed(stepped):
        stepped.step()
        return
    with torch.no_grad():
        inspect.unwrap(type(stepped).step)(stepped)


def _is_observed(stepped: Optimizer) -> bool:
    return bool(
        "step" in vars(stepped)  # replaced on this optimizer, as torch's schedulers do
        or stepped._optimizer_step_pre_hooks
        or stepped._optimizer_step_post_hooks
        or optimizer._global_optimizer_pre_hooks
        or optimizer._global_optimizer_post_hooks
        or torch._C._autograd._profiler_enabled()
    )
