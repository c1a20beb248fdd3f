"""Several processes that train one network together, started by `torchrun`.

Each holds the whole network and takes its share of every batch; gradients are averaged after each step. Only process 0
writes files and messages.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, distributed, nn

from charcnn.errors import ConfigError


@dataclass(frozen=True)
class ProcessGroup:
    """The processes that train together.

    Attributes:
        rank: Which one this is, from 0.
        size: How many there are.
        local_rank: Which one of this machine's this is: the GPU it takes.
    """

    rank: int = 0
    size: int = 1
    local_rank: int = 0

    @property
    def leads(self) -> bool:
        """Whether this process is the one that writes files and messages."""
        return self.rank == 0

    def share(self, indices: Tensor) -> Tensor:
        """Return this process's part of a batch `[B]`: every `size`-th image."""
        return indices[self.rank :: self.size] if self.size > 1 else indices

    def sum(self, values: Tensor) -> Tensor:
        """Return the sum of a float64 tensor over all processes."""
        if self.size > 1:
            device = "cuda" if distributed.get_backend() == "nccl" else "cpu"
            values = values.to(device)
            distributed.all_reduce(values)
        return values.cpu()

    def gather(self, state: Tensor) -> list[Tensor]:
        """Return the tensor of every process, all of one shape and dtype, by rank."""
        if self.size == 1:
            return [state]
        device = "cuda" if distributed.get_backend() == "nccl" else "cpu"
        found = [torch.empty_like(state, device=device) for _ in range(self.size)]
        distributed.all_gather(found, state.to(device))
        return [value.cpu() for value in found]

    def any(self, fact: bool) -> bool:
        """Return whether something is true in any process."""
        return (self.size > 1 and bool(self.sum(torch.tensor(fact, dtype=torch.float64)))) or fact

    def together(self, network: nn.Module) -> nn.Module:
        """Return the network with its gradients averaged over all processes."""
        return nn.parallel.DistributedDataParallel(network) if self.size > 1 else network

    def from_leader(self, number: int) -> int:
        """Return the leading process's number in every process."""
        return int(self.sum(torch.tensor(number if self.leads else 0, dtype=torch.float64)))

    def align(self, network: nn.Module) -> None:
        """Copy batch norm statistics of the leading process to all: each has seen its own part of the last batch."""
        if self.size > 1:
            for buffer in network.buffers():
                distributed.broadcast(buffer, 0)

    def wait(self) -> None:
        """Wait until every process is here."""
        if self.size > 1:
            distributed.barrier()


ALONE = ProcessGroup()


@contextmanager
def process_group(device: torch.device) -> Iterator[ProcessGroup]:
    """Join the processes that `torchrun` started; without it the group is this process alone."""
    size = int(os.environ.get("WORLD_SIZE", "1"))
    if size == 1:
        yield ALONE
        return
    rank = int(os.environ["RANK"])
    group = ProcessGroup(rank, size, int(os.environ.get("LOCAL_RANK", rank)))
    if device.type == "cuda":
        if group.local_rank >= torch.cuda.device_count():
            raise ConfigError(
                f"There are {torch.cuda.device_count()} GPUs for {size} processes.",
                "Start one process for each GPU.",
            )
        torch.cuda.set_device(group.local_rank)
    distributed.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield group
    finally:
        distributed.destroy_process_group()
