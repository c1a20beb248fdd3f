"""Save and restore the state of a training, in one file and without pickle.

A checkpoint contains the weights, the state of the optimizer and of the random generators, and the history. The
learning rate follows from the number of the step. Threads and precision are settings of the run.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass

import safetensors
import torch
from safetensors.torch import load, save
from torch import Tensor, nn
from torch.optim import Optimizer

from charcnn.errors import CardError
from charcnn.training.hardware.distributed import ProcessGroup
from charcnn.training.history import EpochRecord, History

_SCHEMA_VERSION = 1


@dataclass(frozen=True)
class PartialEpoch:
    """The state of an unfinished epoch.

    Attributes:
        losses: float32 `[S]`: the losses of the finished steps.
        seconds: Duration of these steps, in seconds.
    """

    losses: Tensor
    seconds: float


EMPTY_EPOCH = PartialEpoch(torch.zeros(0), 0.0)
"""The state before the first step of an epoch."""


@dataclass(frozen=True)
class Checkpoint:
    """The state of a training between two steps.

    Attributes:
        history: The finished epochs.
        partial: The unfinished epoch.
        tensors: State tensors on the CPU, by name: the weights (`network.NAME`), the optimizer
            (`optimizer.PARAMETER.NAME`), and the random generators of each process (`order.RANK` as of the start of the
            epoch, `changes.RANK`, `torch.RANK` and `cuda.RANK`).
    """

    history: History
    partial: PartialEpoch
    tensors: dict[str, Tensor]

    def to_bytes(self) -> bytes:
        """Return the content of the checkpoint's safetensors file."""
        history = self.history
        facts = {
            "schema_version": _SCHEMA_VERSION,
            "history": [record._asdict() for record in history.records],
            "best_epoch": history.best_epoch,
            "improved": history.last_improvement,
            "seconds": self.partial.seconds,
        }
        best = {f"best.{name}": value for name, value in history.weights.items()}
        tensors = {**self.tensors, **best, "losses": self.partial.losses}
        return save(tensors, {"charcnn": json.dumps(facts)})

    @classmethod
    def from_bytes(cls, data: bytes, where: str) -> "Checkpoint":
        """Return the checkpoint from the content of its file.

        Args:
            data: Content of the file.
            where: Name of the file, for error messages.

        Raises:
            CardError: the file is not a checkpoint, is damaged, or was written by a newer version.
        """
        try:
            tensors = load(data)
            header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
            facts = json.loads(header["__metadata__"]["charcnn"])
            if facts["schema_version"] != _SCHEMA_VERSION:
                raise CardError(
                    f"{where} has schema version {facts['schema_version']}; this charcnn reads {_SCHEMA_VERSION}."
                )
            history = History(
                records=tuple(EpochRecord(**record) for record in facts["history"]),
                weights={name[5:]: tensors.pop(name) for name in list(tensors) if name.startswith("best.")},
                best_epoch=int(facts["best_epoch"]),
                last_improvement=int(facts["improved"]),
            )
            partial = PartialEpoch(tensors.pop("losses"), float(facts["seconds"]))
        except (safetensors.SafetensorError, ValueError, KeyError, TypeError) as fault:
            raise CardError(f"{where} is damaged or not a checkpoint: {fault}") from None
        return cls(history, partial, tensors)


@dataclass
class Generators:
    """The random generators of a process.

    Attributes:
        order: Generator for shuffling.
        changes: Generator for augmentation.
        device: The training device. The global generators of the CPU and of this device (dropout) are saved too.
    """

    order: torch.Generator
    changes: torch.Generator
    device: torch.device

    def states(self, order_before: Tensor, group: ProcessGroup) -> dict[str, Tensor]:
        """Return the generator states of all processes.

        Args:
            order_before: State of `order` at the start of the epoch, which is saved instead of its current state.
            group: The processes that train together.
        """
        own = {"order": order_before, "changes": self.changes.get_state(), "torch": torch.get_rng_state()}
        if self.device.type == "cuda":
            own["cuda"] = torch.cuda.get_rng_state(self.device)
        every = {name: group.gather(state) for name, state in own.items()}
        return {f"{name}.{rank}": state for name, found in every.items() for rank, state in enumerate(found)}

    def restore(self, tensors: dict[str, Tensor], group: ProcessGroup) -> None:
        """Restore the generators of this process from the tensors of a checkpoint."""
        self.order.set_state(tensors[f"order.{group.rank}"])
        self.changes.set_state(tensors[f"changes.{group.rank}"])
        torch.set_rng_state(tensors[f"torch.{group.rank}"])
        if self.device.type == "cuda":
            torch.cuda.set_rng_state(tensors[f"cuda.{group.rank}"], self.device)


def copy_state(network: nn.Module, optimizer: Optimizer) -> dict[str, Tensor]:
    """Return contiguous CPU copies of the weights and of the optimizer's state."""
    found = {f"network.{name}": value for name, value in network.state_dict().items()}
    for number, parameter in enumerate(_parameters(optimizer)):
        state = optimizer.state.get(parameter, {})
        found |= {f"optimizer.{number}.{key}": value for key, value in state.items() if isinstance(value, Tensor)}
    return {name: value.detach().cpu().clone().contiguous() for name, value in found.items()}


def restore_state(tensors: dict[str, Tensor], network: nn.Module, optimizer: Optimizer) -> None:
    """Restore a network and its optimizer from `copy_state`. Each tensor gets the memory format of its parameter."""
    network.load_state_dict({name[8:]: value for name, value in tensors.items() if name.startswith("network.")})
    for number, parameter in enumerate(_parameters(optimizer)):
        prefix = f"optimizer.{number}."
        for name in (name for name in tensors if name.startswith(prefix)):
            value = tensors[name]
            like = parameter if value.shape == parameter.shape else value
            device = parameter.device if value.dim() else value.device
            optimizer.state[parameter][name.removeprefix(prefix)] = torch.empty_like(like, device=device).copy_(value)


def _parameters(optimizer: Optimizer) -> Iterable[nn.Parameter]:
    return (parameter for group in optimizer.param_groups for parameter in group["params"])
