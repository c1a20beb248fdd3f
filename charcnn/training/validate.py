"""Compute loss and accuracy on the validation images."""

import torch
from torch import nn

from charcnn.evaluation.metrics import cross_entropy, top_k_accuracy
from charcnn.networks.recognizer import Recognizer
from charcnn.specs.image import ImageSpec
from charcnn.training.device_images import DeviceImages
from charcnn.training.hardware.distributed import ProcessGroup

VAL_BATCH = 128
"""Images per batch: small enough that the activations stay in the processor's cache."""


def validate(
    network: nn.Module, spec: ImageSpec, images: DeviceImages, group: ProcessGroup
) -> tuple[float | None, float | None]:
    """Return loss and accuracy, or None and None without images.

    They are computed by the same functions as in `evaluate`. The network is switched to evaluation mode. In distributed
    training, the processes share the images.
    """
    if not len(images.indices):
        return None, None
    group.align(network)
    recognizer = Recognizer(network, spec).eval()
    total = torch.zeros(2, dtype=torch.float64)  # sum of the losses, number of correct images
    with torch.inference_mode():
        for index in torch.split(group.share(images.indices), VAL_BATCH):
            if not len(index):
                continue
            probabilities = recognizer(images.images[index]).cpu().numpy()  # [B,C]
            truth = images.labels[index].cpu().numpy()  # [B]
            correct = round(top_k_accuracy(probabilities, truth, 1) * len(index))
            total += torch.tensor([cross_entropy(probabilities, truth) * len(index), correct], dtype=torch.float64)
    loss, accuracy = (group.sum(total) / len(images.indices)).tolist()
    return loss, accuracy
