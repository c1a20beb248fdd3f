"""A network with its preprocessing and softmax around it."""

import torch
from torch import Tensor, nn

from charcnn.specs.image import ImageSpec


class Recognizer(nn.Module):
    """uint8 `[N,1,H,W]`, dark ink on white → probabilities, float32 `[N,classes]`.

    Args:
        network: Normalized images `[N,1,H,W]` → logits `[N,classes]`.
        spec: Its mean and std normalize the images.
    """

    def __init__(self, network: nn.Module, spec: ImageSpec) -> None:
        super().__init__()
        self.network = network
        self.spec = spec

    def forward(self, image: Tensor) -> Tensor:
        """Recognize a batch."""
        return torch.softmax(self.network(normalize(image, self.spec)), dim=1)


def normalize(images: Tensor, spec: ImageSpec) -> Tensor:
    """Return `(pixel / 255 - mean) / std` as float32, same shape, same device."""
    return images.float().mul(1 / (255 * spec.std)).sub(spec.mean / spec.std)
