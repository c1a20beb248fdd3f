"""The compact networks: number of weights, and input sizes."""

import pytest
import torch

from charcnn.networks.catalogue import get_network


@pytest.mark.parametrize("classes", [12, 20, 62, 100])
def test_compact_has_at_most_100_000_weights(classes: int) -> None:
    assert get_network("compact").parameters(classes) <= 100_000


@pytest.mark.parametrize("name", ["compact", "compact-l"])
def test_the_same_weights_take_images_of_every_size(name: str) -> None:
    info = get_network(name)
    module = info.build(12).eval()
    for size in info.sizes:
        with torch.inference_mode():
            assert module(torch.rand(2, 1, size, size)).shape == (2, 12)
