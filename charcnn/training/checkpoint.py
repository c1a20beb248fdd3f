"""All that a training needs to go on as if it had never stopped, as one file without pickle.

A checkpoint holds the weights, the optimizer's state, the generators of random numbers, and what was reached. The
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
    """The epoch that was under way when training stopped.

    Attributes:
        losses: float32 `[steps done]`.
        seconds: How long they took.
    """

    losses: Tensor
    seconds: float


NO_PARTIAL_EPOCH = PartialEpoch(torch.zeros(0), 0.0)


@dataclass(frozen=True)
class Checkpoint:
    """A training at rest between two steps.

    Attributes:
        progress: What was reached.
        under_way: What was done of the next epoch.
        tensors: On the CPU: `network.NAME`, `optimizer.PARAMETER.NAME`, and for each process `order.RANK` (as it was
            when the epoch began), `changes.RANK`, `torch.RANK`, `cuda.RANK`: the states of the generators.
    """

    progress: History
    under_way: PartialEpoch
    tensors: dict[str, Tensor]

    def to_bytes(self) -> bytes:
        """Gives the checkpoint as a safetensors file."""
        progress = self.progress
        facts = {
            "schema_version": _SCHEMA,
            "history": [record._asdict() for record in progress.history],
            "best_epoch": progress.best_epoch,
            "improved": progress.improved,
            "seconds": self.under_way.seconds,
        }
        best = {f"best.{name}": value for name, value in progress.weights.items()}
        tensors = {**self.tensors, **best, "losses": self.under_way.losses}
        return save(tensors, {"charcnn": json.dumps(facts)})

    @classmethod
    def from_bytes(cls, data: bytes, where: str) -> "Checkpoint":
        """Reads what `to_bytes` gave.

        Args:
            data: The file's content.
            where: What the error names.

        Raises:
            CardError: it is no checkpoint, or one of a newer charcnn's.
        """
        try:
            tensors = load(data)
            header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
            facts = json.loads(header["__metadata__"]["charcnn"])
            if facts["schema_version"] != _SCHEMA:
                raise CardError(f"{where} has schema version {facts['schema_version']}; this charcnn reads {_SCHEMA}.")
            progress = History(
                history=tuple(EpochRecord(**record) for record in facts["history"]),
                weights={name[5:]: tensors.pop(name) for name in list(tensors) if name.startswith("best.")},
                best_epoch=int(facts["best_epoch"]),
                improved=int(facts["improved"]),
            )
            under_way = PartialEpoch(tensors.pop("losses"), float(facts["seconds"]))
        except (safetensors.SafetensorError, ValueError, KeyError, TypeError) as fault:
            raise CardError(f"{where} is no checkpoint of charcnn's, or was cut short: {fault}") from None
        return cls(progress, under_way, tensors)


@dataclass
class Generators:
    """Where a process draws from.

    Attributes:
        order: The order of the images.
        changes: How images are augmented.
        device: torch's own generators, for dropout: the CPU's, and this GPU's where it is one.
    """

    order: torch.Generator
    changes: torch.Generator
    device: torch.device

    def states(self, order_before: Tensor, group: ProcessGroup) -> dict[str, Tensor]:
        """Gives the states in all processes; that of `order` as it was when the epoch began."""
        own = {"order": order_before, "changes": self.changes.get_state(), "torch": torch.get_rng_state()}
        if self.device.type == "cuda":
            own["cuda"] = torch.cuda.get_rng_state(self.device)
        every = {name: group.gather(state) for name, state in own.items()}
        return {f"{name}.{rank}": state for name, found in every.items() for rank, state in enumerate(found)}

    def restore(self, tensors: dict[str, Tensor], group: ProcessGroup) -> None:
        """Sets the generators of this process."""
        self.order.set_state(tensors[f"order.{group.rank}"])
        self.changes.set_state(tensors[f"changes.{group.rank}"])
        torch.set_rng_state(tensors[f"torch.{group.rank}"])
        if self.device.type == "cuda":
            torch.cuda.set_rng_state(tensors[f"cuda.{group.rank}"], self.device)


def state_of(network: nn.Module, optimizer: Optimizer) -> dict[str, Tensor]:
    """Gives copies of the weights and of the optimizer's state, on the CPU, channels first."""
    found = {f"network.{name}": value for name, value in network.state_dict().items()}
    for number, parameter in enumerate(_parameters(optimizer)):
        state = optimizer.state.get(parameter, {})
        found |= {f"optimizer.{number}.{key}": value for key, value in state.items() if isinstance(value, Tensor)}
    return {name: value.detach().cpu().clone().contiguous() for name, value in found.items()}


def restore_state(tensors: dict[str, Tensor], network: nn.Module, optimizer: Optimizer) -> None:
    """Gives a network and its optimizer the state that `state_of` took, each tensor laid out as its weight is."""
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
