"""A version → a PT2 file, for `torch.export.load`."""

import io
from pathlib import Path

import torch

from charcnn.export.load_network import load_network
from charcnn.export.metadata import metadata
from charcnn.export.parity import check_parity, probe
from charcnn.export.quiet import quiet
from charcnn.networks.recognizer import Recognizer
from charcnn.registry.version import Version


def write_pt2(version: Version, path: Path) -> float:
    """Write a version as a PT2 file, and compare it with the network.

    The program takes `image`, uint8 `[batch,1,H,W]`, dark ink on white, and gives probabilities, float32
    `[batch,classes]`. The extra files `labels` and `image` hold the labels and the `ImageSpec`, as JSON.

    Returns:
        The largest difference from the network's probabilities.

    Raises:
        ExportError: the network is unknown here.
        ParityError: the file gives other probabilities than the network.
    """
    card = version.card
    recognizer = Recognizer(load_network(version), card.image)
    with quiet():
        dynamic = {"image": {0: torch.export.Dim("batch")}}
        program = torch.export.export(recognizer, (probe(card.image, 2),), dynamic_shapes=dynamic)
        buffer = io.BytesIO()  # torch takes a path only if it ends in .pt2, and writes the file's name into the file
        torch.export.save(program, buffer, extra_files=metadata(card.labels, card.image))
        path.write_bytes(buffer.getvalue())
        again = torch.export.load(io.BytesIO(path.read_bytes())).module()
    return check_parity(recognizer, again)
