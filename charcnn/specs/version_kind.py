"""What an index and a card both say of a version; looking a version up builds no card."""

from typing import Annotated, Literal

from pydantic import BeforeValidator

CARD_SCHEMA = 1
"""The newest card that this charcnn writes and reads."""
VersionKind = Annotated[
    Literal["trained", "imported"],
    BeforeValidator(lambda kind: "imported" if kind == "run" else kind),  # written by early versions; never `latest`
]
"""How a version came into the registry. Only trained ones become `latest`."""
