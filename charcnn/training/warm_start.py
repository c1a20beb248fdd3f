"""Start a training from the weights of a version (`init_from`)."""

import logging

from torch import nn

from charcnn.errors import ConfigError
from charcnn.export.load_network import load_network
from charcnn.networks.weights import classifier_name
from charcnn.registry.version import Version
from charcnn.specs.image import ImageSpec

log = logging.getLogger(__name__)


def copy_parent_weights(network: nn.Module, parent: Version, classes: tuple[str, ...], spec: ImageSpec) -> None:
    """Copy a version's weights into a network.

    The rows of the classifier are matched by label. Rows of new labels keep their random weights. A warning is logged
    if the preprocessing of the images differs.

    Args:
        network: The network to change.
        parent: The version to copy from.
        classes: The label texts of the network, in the order of the logits.
        spec: The preprocessing of the new training.

    Raises:
        ConfigError: the version has another architecture.
    """
    old, new = load_network(parent).state_dict(), network.state_dict()
    classifier = classifier_name(network)
    old_rows = {label: row for row, label in enumerate(parent.card.labels)}
    shared = [(row, old_rows[label]) for row, label in enumerate(classes) if label in old_rows]
    if old.keys() != new.keys():
        raise _mismatch(parent)
    for name, target in new.items():
        is_classifier = name.rpartition(".")[0] == classifier
        first = 1 if is_classifier else 0  # the classifier may have a different number of rows
        if old[name].shape[first:] != target.shape[first:]:
            raise _mismatch(parent)
        if is_classifier:
            for row, old_row in shared:
                target[row] = old[name][old_row]
        else:
            target.copy_(old[name])
    before = parent.card.image
    if (before.height, before.fit, before.margin) != (spec.height, spec.fit, spec.margin):
        log.warning(
            "%s was trained on images of %d × %d, `fit=%s`, `margin=%g`, but these are %d × %d, `fit=%s`, `margin=%g`.",
            parent.card.reference,
            *(before.height, before.width, before.fit, before.margin, spec.height, spec.width, spec.fit, spec.margin),
        )
    log.info("Starting from %s, which has %d of the %d labels.", parent.card.reference, len(shared), len(classes))


def _mismatch(parent: Version) -> ConfigError:
    network = parent.card.network
    return ConfigError(
        f"The weights of {parent.reference} ({network.name}) do not fit this network.",
        f"Train with `net={network.name}` and its options: {network.options}",
    )
