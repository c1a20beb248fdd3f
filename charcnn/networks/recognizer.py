"""A network with normalization and softmax."""

import torch
from torch import Tensor, nn

from charcnn.specs.image import ImageSpec


class Recognizer(nn.Module):
    """A network that takes uint8 images `[N,1,H,W]`, dark ink on white, and returns probabilities `[N,classes]`.

    Args:
        network: Normalized images `[N,1,H,W]` → logits `[N,classes]`.
        spec: The mean and std for normalization.
    """

    def __init__(self, network: nn.Module, spec: ImageSpec) -> None:
        super().__init__()
        self.network = network
        self.spec = spec

    def forward(self, image: Tensor) -> Tensor:
        """Return the probabilities of a batch, float32 `[N,classes]`."""
        return torch.softmax(self.network(normalize(image, self.spec)), dim=1)


def normalize(images: Tensor, spec: ImageSpec) -> Tensor:
    """Return `(images / 255 - mean) / std` as float32, with the same shape and device."""
    return images.float().mul(1 / (255 * spec.std)).sub(spec.mean / spec.std)
