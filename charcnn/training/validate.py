"""Loss and accuracy on the images that select the best epoch."""

import torch
from torch import nn

from charcnn.evaluation.metrics import cross_entropy, top_k_accuracy
from charcnn.networks.recognizer import Recognizer
from charcnn.specs.image import ImageSpec
from charcnn.training.device_images import DeviceImages
from charcnn.training.hardware.distributed import ProcessGroup

VAL_BATCH = 128
"""Images at a time: few enough that what flows between two layers stays in the processor's cache."""


def validate(
    network: nn.Module, spec: ImageSpec, images: DeviceImages, group: ProcessGroup
) -> tuple[float | None, float | None]:
    """Return loss and accuracy by the same functions as `evaluate`; None and None without images.

    The network is put into evaluation mode. Several processes share the images.
    """
    if not len(images.indices):
        return None, None
    group.align(network)
    recognizer = Recognizer(network, spec).eval()
    total = torch.zeros(2, dtype=torch.float64)  # loss, correct answers
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
