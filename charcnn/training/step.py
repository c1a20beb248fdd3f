"""One training step, as a function that can be called on its own."""

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
    """What a training step computed, before it changed the weights. Its gradients are in the parameters' `grad`.

    Attributes:
        loss: float32 scalar, without its graph.
        logits: float32 `[B,C]`, without their graph.
        inputs: float32 `[B,1,H,W]`: what the network saw, normalized and augmented.
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
    """Train a network on one batch: normalize, augment, forward, loss, backward, one step of the optimizer.

    Args:
        network: float32 `[B,1,H,W]` → logits `[B,C]`, in the mode (training or evaluation) that it is given in.
        optimizer: Of the network's parameters.
        loss: Logits and labels → scalar.
        images: uint8 `[B,1,H,W]`, dark ink on white, on the network's device.
        labels: int64 `[B]`, on the same device.
        spec: Its mean and std normalize the images.
        strength: How far each image is changed; None for not at all.
        generator: Source of the random changes, on the CPU; needed with `strength`.
        precision: What the network computes in; weights and loss are float32.
        loss_factor: Multiplies the loss, for a batch that several processes share.
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
