"""Export a version to a PT2 file, for `torch.export.load`."""

import io
from pathlib import Path

import torch

from charcnn.export.load_network import load_network
from charcnn.export.metadata import metadata
from charcnn.export.parity import check_parity, make_probe_images
from charcnn.export.quiet import silence_exporters
from charcnn.networks.recognizer import Recognizer
from charcnn.registry.version import Version


def write_pt2(version: Version, path: Path) -> float:
    """Export a version to a PT2 file, and compare the file with the network.

    The input is `image`, uint8 `[batch,1,H,W]`, dark ink on white. The output is probabilities, float32
    `[batch,classes]`. The extra files `labels` and `image` contain the labels and the `ImageSpec`, as JSON.

    Returns:
        The largest difference between the file's and the network's probabilities.

    Raises:
        ExportError: the version's network is not registered.
        ParityError: the file's probabilities differ from the network's.
    """
    card = version.card
    recognizer = Recognizer(load_network(version), card.image)
    with silence_exporters():
        dynamic = {"image": {0: torch.export.Dim("batch")}}
        program = torch.export.export(recognizer, (make_probe_images(card.image, 2),), dynamic_shapes=dynamic)
        buffer = io.BytesIO()  # given a path, torch requires the suffix .pt2 and stores the file name in the file
        torch.export.save(program, buffer, extra_files=metadata(card.labels, card.image))
        path.write_bytes(buffer.getvalue())
        loaded = torch.export.load(io.BytesIO(path.read_bytes())).module()
    return check_parity(recognizer, loaded)
