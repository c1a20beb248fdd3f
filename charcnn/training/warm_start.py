"""`init_from`: a training that starts from the weights of a version."""

import logging

from torch import nn

from charcnn.errors import ConfigError
from charcnn.export.load_network import load_network
from charcnn.networks.weights import classifier_name
from charcnn.registry.version import Version
from charcnn.specs.image import ImageSpec

log = logging.getLogger(__name__)


def copy_parent_weights(network: nn.Module, parent: Version, classes: tuple[str, ...], spec: ImageSpec) -> None:
    """Copy a version's weights. The last layer's rows are matched by label; rows of new labels keep their new weights.

    A warning names what differs in how the images are made.

    Raises:
        ConfigError: the version is of another network.
    """
    old, new = load_network(parent).state_dict(), network.state_dict()
    head = classifier_name(network)
    own_rows = {label: row for row, label in enumerate(parent.card.labels)}
    shared = [(row, own_rows[label]) for row, label in enumerate(classes) if label in own_rows]
    if old.keys() != new.keys():
        raise _unfit(parent)
    for name, target in new.items():
        is_head = name.rpartition(".")[0] == head
        first = 1 if is_head else 0  # the last layer may have another number of rows
        if old[name].shape[first:] != target.shape[first:]:
            raise _unfit(parent)
        if is_head:
            for row, own_row in shared:
                target[row] = old[name][own_row]
        else:
            target.copy_(old[name])
    was = parent.card.image
    if (was.height, was.fit, was.margin) != (spec.height, spec.fit, spec.margin):
        log.warning(
            "%s was trained on images of %d × %d, `fit=%s` `margin=%g`; now they are %d × %d, `fit=%s` `margin=%g`.",
            parent.card.reference,
            *(was.height, was.width, was.fit, was.margin, spec.height, spec.width, spec.fit, spec.margin),
        )
    log.info("Starts from %s, which knows %d of the %d labels.", parent.card.reference, len(shared), len(classes))


def _unfit(parent: Version) -> ConfigError:
    network = parent.card.network
    return ConfigError(
        f"{parent.reference} is a {network.name}: its weights do not fit this network.",
        f"Train with `net={network.name}` and its options: {network.options}",
    )
