"""Fields that index and card share, kept apart from the card so that looking up a version does not load its model."""

from typing import Annotated, Literal

from pydantic import BeforeValidator

CARD_SCHEMA = 1
"""Newest schema version of a card that this charcnn reads and writes."""
VersionKind = Annotated[
    Literal["trained", "imported"],
    BeforeValidator(lambda kind: "imported" if kind == "run" else kind),  # written by early versions; never `latest`
]
"""How a version was added to the registry. Only trained versions become `latest`."""
