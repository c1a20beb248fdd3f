"""A dataset as tensors on the device that trains."""

import warnings
from typing import NamedTuple, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from charcnn.datasets.arrays import LabeledImages


class DeviceImages(NamedTuple):
    """Images and labels on the device.

    Attributes:
        images: uint8 `[N,1,H,W]`; on the CPU possibly mapped from a file larger than memory.
        labels: int64 `[N]`.
        indices: int64 `[M]`: the images that are used; one may be there several times.
    """

    images: Tensor
    labels: Tensor
    indices: Tensor

    @classmethod
    def of(
        cls, arrays: LabeledImages, indices: NDArray[np.int64], classes: tuple[str, ...], device: torch.device
    ) -> Self:
        """Return images as tensors. Nothing is copied on the CPU; a GPU gets the chosen images alone.

        Args:
            arrays: The images.
            indices: int64 `[M]`: those that are used.
            classes: The label texts, in the order of the logits.
            device: Where to.
        """
        labels = torch.from_numpy(arrays.labels_in(classes))
        chosen = torch.from_numpy(indices)
        if device.type == "cpu":
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
                return cls(torch.from_numpy(arrays.images).unsqueeze(1), labels, chosen)
        images = torch.from_numpy(arrays.images[indices]).unsqueeze(1)
        return cls(images.to(device), labels[chosen].to(device), torch.arange(len(indices), device=device))
