"""Load the network of a version as an `nn.Module`."""

import torch
from torch import nn

from charcnn.errors import ExportError, IntegrityError
from charcnn.networks.catalogue import get_network, networks
from charcnn.networks.weights import read_weights
from charcnn.registry.version import WEIGHTS_FILE, Version


def load_network(version: Version) -> nn.Module:
    """Return the network of a version with its weights, in evaluation mode, on the CPU.

    Raises:
        ExportError: the version's network is not registered.
        IntegrityError: the weights were modified, or do not fit the network.

    Examples:
        >>> import charcnn
        >>> import torch
        >>> network = charcnn.load_network(charcnn.Registry().open("abc"))
        >>> network(torch.zeros(1, 1, 28, 28)).shape
        torch.Size([1, 3])
    """
    card = version.card
    if card.network.name not in networks():
        raise ExportError(
            f"{card.reference} needs the network {card.network.name}, which is not registered.",
            "Import the module that registers it, or install its package (entry point group `charcnn.networks`).",
        )
    with torch.random.fork_rng(devices=[]):  # the random initial weights are replaced below
        network = get_network(card.network.name).build(len(card.labels), card.network.options)
    weights = read_weights(version.file(WEIGHTS_FILE))
    try:
        network.load_state_dict(weights)
    except RuntimeError as fault:
        raise IntegrityError(
            f"The weights of {card.reference} do not fit the network {card.network.name}: {fault}"
        ) from None
    return network.eval()
