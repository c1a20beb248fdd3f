"""The base of every contract: frozen, strict about names, and read with its schema's version first."""

import json
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from charcnn.errors import CardError

FILE_NAME = r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$"
"""Of a file beside a card: it leads nowhere else."""
FileName = Annotated[str, Field(pattern=FILE_NAME)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class StrictModel(BaseModel):
    """Frozen, strict about names: the base of every contract."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        allow_inf_nan=False,
        defer_build=True,  # a command builds only the contracts that it uses
    )


def check_schema(text: str | bytes, where: str, newest: int) -> None:
    """Checks only the `schema_version` of a JSON document.

    Raises:
        CardError: not a JSON object, no version, or one above `newest`.
    """
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as fault:
        raise CardError(f"{where} is not JSON: {fault}") from None
    version = document.get("schema_version") if isinstance(document, dict) else None
    if type(version) is not int or version < 1:
        raise CardError(f"{where} has no schema_version: it is no card of charcnn's.")
    if version > newest:
        raise CardError(
            f"{where} has schema version {version}; this charcnn reads up to {newest}.",
            "Upgrade charcnn: pip install --upgrade charcnn",
        )
