"""The weights of a network as tensors of their own, and from a safetensors file."""

from pathlib import Path

import safetensors
from safetensors.torch import load_file
from torch import Tensor, nn

from charcnn.errors import ConfigError, IntegrityError


def copy_weights(network: nn.Module) -> dict[str, Tensor]:
    """Return copies of all weights and statistics, on the CPU, as safetensors wants them: channels first."""
    return {name: value.detach().cpu().clone().contiguous() for name, value in network.state_dict().items()}


def classifier_name(network: nn.Module) -> str:
    """Return the name of a network's last linear layer: the one whose rows are the classes.

    Raises:
        ConfigError: it has none.
    """
    names = [name for name, module in network.named_modules() if isinstance(module, nn.Linear)]
    if not names:
        raise ConfigError("The network has no linear layer whose rows are the classes.")
    return str(names[-1])


def read_weights(path: Path) -> dict[str, Tensor]:
    """Read a safetensors file.

    Raises:
        IntegrityError: it is damaged.
    """
    try:
        return load_file(path)
    except safetensors.SafetensorError as fault:
        raise IntegrityError(f"{path} is not a whole safetensors file: {fault}") from None
