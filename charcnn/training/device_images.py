"""Images and labels as tensors on the training device."""

import warnings
from typing import NamedTuple, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from charcnn.datasets.arrays import LabeledImages


class DeviceImages(NamedTuple):
    """Images and labels as tensors on the training device.

    Attributes:
        images: uint8 `[N,1,H,W]`. On the CPU they may be memory-mapped.
        labels: int64 `[N]`.
        indices: int64 `[M]`: indices of the images to use. An index may occur several times.
    """

    images: Tensor
    labels: Tensor
    indices: Tensor

    @classmethod
    def from_labeled(
        cls, arrays: LabeledImages, indices: NDArray[np.int64], classes: tuple[str, ...], device: torch.device
    ) -> Self:
        """Return images as tensors. On the CPU they are not copied. Only the images in use are copied to a GPU.

        Args:
            arrays: The images.
            indices: int64 `[M]`: indices of the images to use.
            classes: The label texts, in the order of the logits.
            device: The training device.
        """
        labels = torch.from_numpy(arrays.labels_in(classes))
        chosen = torch.from_numpy(indices)
        if device.type == "cpu":
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
                return cls(torch.from_numpy(arrays.images).unsqueeze(1), labels, chosen)
        images = torch.from_numpy(arrays.images[indices]).unsqueeze(1)
        return cls(images.to(device), labels[chosen].to(device), torch.arange(len(indices), device=device))
