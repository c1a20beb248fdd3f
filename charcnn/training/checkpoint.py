"""Everything that a training needs to continue as if it had never stopped, in one file without pickle.

A checkpoint holds the weights, the optimizer's state, the states of the random generators, and the history. The
learning rate follows from the number of the step; threads and precision are settings of the run.
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

_SCHEMA = 1


@dataclass(frozen=True)
class PartialEpoch:
    """An epoch that is not finished.

    Attributes:
        losses: float32 `[steps done]`.
        seconds: Time spent on them.
    """

    losses: Tensor
    seconds: float


EMPTY_EPOCH = PartialEpoch(torch.zeros(0), 0.0)


@dataclass(frozen=True)
class Checkpoint:
    """A training between two steps.

    Attributes:
        history: The finished epochs.
        partial: What was done of the next epoch.
        tensors: On the CPU: `network.NAME`, `optimizer.PARAMETER.NAME`, and for each process `order.RANK` (as it was
            when the epoch began), `changes.RANK`, `torch.RANK`, `cuda.RANK`: the states of the generators.
    """

    history: History
    partial: PartialEpoch
    tensors: dict[str, Tensor]

    def to_bytes(self) -> bytes:
        """Return the checkpoint as a safetensors file."""
        history = self.history
        facts = {
            "schema_version": _SCHEMA,
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
        """Return the checkpoint that `to_bytes` wrote.

        Args:
            data: The file's content.
            where: What the error names.

        Raises:
            CardError: it is not a checkpoint, is damaged, or was written by a newer version.
        """
        try:
            tensors = load(data)
            header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
            facts = json.loads(header["__metadata__"]["charcnn"])
            if facts["schema_version"] != _SCHEMA:
                raise CardError(f"{where} has schema version {facts['schema_version']}; this charcnn reads {_SCHEMA}.")
            history = History(
                records=tuple(EpochRecord(**record) for record in facts["history"]),
                weights={name[5:]: tensors.pop(name) for name in list(tensors) if name.startswith("best.")},
                best_epoch=int(facts["best_epoch"]),
                last_improvement=int(facts["improved"]),
            )
            partial = PartialEpoch(tensors.pop("losses"), float(facts["seconds"]))
        except (safetensors.SafetensorError, ValueError, KeyError, TypeError) as fault:
            raise CardError(f"{where} is not a checkpoint, or is damaged: {fault}") from None
        return cls(history, partial, tensors)


@dataclass
class Generators:
    """The random generators of a process.

    Attributes:
        order: For the order of the images.
        changes: For augmentation.
        device: Whose own generators count too, for dropout: torch's for the CPU, and for the GPU if it is one.
    """

    order: torch.Generator
    changes: torch.Generator
    device: torch.device

    def states(self, order_before: Tensor, group: ProcessGroup) -> dict[str, Tensor]:
        """Return the states in all processes; that of `order` as it was when the epoch began."""
        own = {"order": order_before, "changes": self.changes.get_state(), "torch": torch.get_rng_state()}
        if self.device.type == "cuda":
            own["cuda"] = torch.cuda.get_rng_state(self.device)
        every = {name: group.gather(state) for name, state in own.items()}
        return {f"{name}.{rank}": state for name, found in every.items() for rank, state in enumerate(found)}

    def restore(self, tensors: dict[str, Tensor], group: ProcessGroup) -> None:
        """Set the generators of this process."""
        self.order.set_state(tensors[f"order.{group.rank}"])
        self.changes.set_state(tensors[f"changes.{group.rank}"])
        torch.set_rng_state(tensors[f"torch.{group.rank}"])
        if self.device.type == "cuda":
            torch.cuda.set_rng_state(tensors[f"cuda.{group.rank}"], self.device)


def state_of(network: nn.Module, optimizer: Optimizer) -> dict[str, Tensor]:
    """Return copies of the weights and of the optimizer's state, on the CPU, channels first."""
    found = {f"network.{name}": value for name, value in network.state_dict().items()}
    for number, parameter in enumerate(_parameters(optimizer)):
        state = optimizer.state.get(parameter, {})
        found |= {f"optimizer.{number}.{key}": value for key, value in state.items() if isinstance(value, Tensor)}
    return {name: value.detach().cpu().clone().contiguous() for name, value in found.items()}


def restore_state(tensors: dict[str, Tensor], network: nn.Module, optimizer: Optimizer) -> None:
    """Set a network and its optimizer to what `state_of` returned, each tensor in the memory format of its weight."""
    network.load_state_dict({name[8:]: value for name, value in tensors.items() if name.startswith("network.")})
    for number, parameter in enumerate(_parameters(optimizer)):
        head = f"optimizer.{number}."
        for name in (name for name in tensors if name.startswith(head)):
            value = tensors[name]
            like = parameter if value.shape == parameter.shape else value
            device = parameter.device if value.dim() else value.device
            optimizer.state[parameter][name.removeprefix(head)] = torch.empty_like(like, device=device).copy_(value)


def _parameters(optimizer: Optimizer) -> Iterable[nn.Parameter]:
    return (parameter for group in optimizer.param_groups for parameter in group["params"])
