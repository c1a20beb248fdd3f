"""A version → a safetensors file: the bare weights, and the card."""

from pathlib import Path

from safetensors.torch import save

from charcnn.export.load_network import load_network
from charcnn.export.parity import check_parity
from charcnn.networks.recognizer import Recognizer
from charcnn.networks.weights import copy_weights, read_weights
from charcnn.registry.version import Version


def write_safetensors(version: Version, path: Path) -> float:
    """Write a version as a safetensors file, with the card in its header under `card`, and compare it with the network.

    Returns:
        The largest difference from the network's probabilities.

    Raises:
        ExportError: the network is unknown here.
        ParityError: the file gives other probabilities than the network.
    """
    network, again = load_network(version), load_network(version)
    path.write_bytes(save(copy_weights(network), metadata={"card": version.text.decode()}))
    again.load_state_dict(read_weights(path))
    spec = version.card.image
    return check_parity(Recognizer(network, spec), Recognizer(again, spec))
