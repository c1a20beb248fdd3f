"""Export a version to a safetensors file, with its weights and its model card."""

from pathlib import Path

from safetensors.torch import save

from charcnn.export.load_network import load_network
from charcnn.export.parity import check_parity
from charcnn.networks.recognizer import Recognizer
from charcnn.networks.weights import copy_weights, read_weights
from charcnn.registry.version import Version


def write_safetensors(version: Version, path: Path) -> float:
    """Export a version to a safetensors file, and compare the file with the network.

    The header contains the model card as `card`.

    Returns:
        The largest difference between the file's and the network's probabilities.

    Raises:
        ExportError: the version's network is not registered.
        ParityError: the file's probabilities differ from the network's.
    """
    network, copy = load_network(version), load_network(version)
    path.write_bytes(save(copy_weights(network), metadata={"card": version.text.decode()}))
    copy.load_state_dict(read_weights(path))
    spec = version.card.image
    return check_parity(Recognizer(network, spec), Recognizer(copy, spec))
