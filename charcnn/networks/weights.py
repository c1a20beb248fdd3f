"""Copy the weights of a network, and read them from safetensors files."""

from pathlib import Path

import safetensors
from safetensors.torch import load_file
from torch import Tensor, nn

from charcnn.errors import ConfigError, IntegrityError


def copy_weights(network: nn.Module) -> dict[str, Tensor]:
    """Return contiguous CPU copies of a network's parameters and buffers, as safetensors requires."""
    return {name: value.detach().cpu().clone().contiguous() for name, value in network.state_dict().items()}


def classifier_name(network: nn.Module) -> str:
    """Return the name of a network's classifier, its last linear layer.

    Raises:
        ConfigError: the network has no linear layer.
    """
    names = [name for name, module in network.named_modules() if isinstance(module, nn.Linear)]
    if not names:
        raise ConfigError("The network has no linear layer as classifier.")
    return str(names[-1])


def read_weights(path: Path) -> dict[str, Tensor]:
    """Read a safetensors file.

    Raises:
        IntegrityError: the file is damaged.
    """
    try:
        return load_file(path)
    except safetensors.SafetensorError as fault:
        raise IntegrityError(f"{path} is damaged or not a safetensors file: {fault}") from None
