"""A network with its preprocessing and softmax round it, and the network of a saved version. Needs torch."""

from pathlib import Path

import safetensors
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from charcnn.errors import IntegrityError
from charcnn.models.catalogue import get_network
from charcnn.registry.version import WEIGHTS_FILE, Version
from charcnn.spec import ImageSpec


class Recogniser(nn.Module):
    """uint8 `[N,1,H,W]`, dark ink on white → probabilities, float32 `[N,classes]`.

    Args:
        network: Normalised images `[N,1,H,W]` → logits `[N,classes]`.
        spec: Gives mean and std.
    """

    def __init__(self, network: nn.Module, spec: ImageSpec) -> None:
        super().__init__()
        self.network = network
        self.spec = spec

    def forward(self, image: Tensor) -> Tensor:
        """Recognises a batch."""
        return torch.softmax(self.network(normalised(image, self.spec)), dim=1)


def normalised(images: Tensor, spec: ImageSpec) -> Tensor:
    """Gives `(pixel / 255 - mean) / std` as float32, same shape, same device."""
    return images.float().mul(1 / (255 * spec.std)).sub(spec.mean / spec.std)


def load_network(version: Version) -> nn.Module:
    """Builds the network of a version and gives it the version's weights, in evaluation mode, on the CPU.

    Raises:
        IntegrityError: the weights are not those that were saved, or do not fit the network.
    """
    card = version.card
    with torch.random.fork_rng(devices=[]):  # the fresh weights are drawn for nothing
        network = get_network(card.network.name).build(len(card.labels), card.network.options)
    weights = read_weights(version.file(WEIGHTS_FILE))
    try:
        network.load_state_dict(weights)
    except RuntimeError as fault:
        raise IntegrityError(
            f"{card.reference}: its weights do not fit the network {card.network.name}: {fault}"
        ) from None
    return network.eval()


def weights_of(network: nn.Module) -> dict[str, Tensor]:
    """Gives copies of all weights and statistics, on the CPU, as safetensors wants them: channels first."""
    return {name: value.detach().cpu().clone().contiguous() for name, value in network.state_dict().items()}


def read_weights(path: Path) -> dict[str, Tensor]:
    """Reads a safetensors file.

    Raises:
        IntegrityError: it is damaged.
    """
    try:
        return load_file(path)
    except safetensors.SafetensorError as fault:
        raise IntegrityError(f"{path} is no whole safetensors file: {fault}") from None
