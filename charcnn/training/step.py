"""A single training step."""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from charcnn.networks.recognizer import normalize
from charcnn.specs.image import ImageSpec
from charcnn.training.optim.batch_augment import Strength, augment_batch
from charcnn.training.optim.losses import LossFunction
from charcnn.training.torch_startup import take_step


@dataclass(frozen=True)
class StepResult:
    """The results of a training step, from before the update of the weights.

    The gradients of the step are in the `grad` attributes of the parameters.

    Attributes:
        loss: Detached float32 scalar.
        logits: Detached float32 `[B,C]`.
        inputs: float32 `[B,1,H,W]`: the normalized and augmented images.
    """

    loss: Tensor
    logits: Tensor
    inputs: Tensor


def train_step(
    network: nn.Module,
    optimizer: Optimizer,
    loss: LossFunction,
    images: Tensor,
    labels: Tensor,
    *,
    spec: ImageSpec,
    strength: Strength | None = None,
    generator: torch.Generator | None = None,
    precision: Literal["fp32", "bf16"] = "fp32",
    loss_factor: float = 1.0,
) -> StepResult:
    """Train a network on one batch: normalize, augment, forward pass, loss, backward pass and optimizer step.

    Args:
        network: float32 `[B,1,H,W]` → logits `[B,C]`. It is not switched to training mode.
        optimizer: Optimizer of the network's parameters.
        loss: Logits and labels → scalar.
        images: uint8 `[B,1,H,W]`, dark ink on white, on the network's device.
        labels: int64 `[B]`, on the same device.
        spec: The mean and std for normalization.
        strength: Strength of the augmentation. None turns it off.
        generator: CPU generator for the augmentation. torch's global generator if None.
        precision: Precision of the forward pass. Weights and loss are float32.
        loss_factor: Factor of the loss, for batches that several processes share.

    Examples:
        >>> import charcnn
        >>> import torch
        >>> from torch import nn
        >>> network = nn.Sequential(nn.Flatten(), nn.Linear(784, 3))
        >>> optimizer = torch.optim.SGD(network.parameters(), lr=0.001)
        >>> images = torch.randint(256, (6, 1, 28, 28), dtype=torch.uint8)
        >>> labels = torch.tensor([0, 1, 2, 0, 1, 2])
        >>> loss = nn.functional.cross_entropy
        >>> steps = [
        ...     charcnn.train_step(network, optimizer, loss, images, labels, spec=charcnn.ImageSpec())
        ...     for _ in range(5)
        ... ]
        >>> steps[0].logits.shape
        torch.Size([6, 3])
        >>> bool(steps[-1].loss < steps[0].loss)
        True
    """
    inputs = normalize(images, spec)  # [B,1,H,W]
    if strength:
        inputs = augment_batch(inputs, strength, spec, generator)
    with torch.autocast(images.device.type, torch.bfloat16, enabled=precision == "bf16"):
        logits = network(inputs).float()  # [B,C]
    batch_loss = loss(logits, labels) * loss_factor  # scalar
    network.zero_grad(set_to_none=True)
    batch_loss.backward()  # type: ignore[no-untyped-call]
    take_step(optimizer)
    return StepResult(batch_loss.detach(), logits.detach(), inputs)
