"""The base of every contract: frozen, strict about names, and read with its schema's version first."""

import json
from typing import Annotated, ClassVar, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from charcnn.errors import CardError, ConfigError

FILE_NAME = r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$"
"""Of a file of a version: without a separator, so that it cannot lie in another folder."""
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


class Document(StrictModel):
    """A contract that is kept as a JSON file, with a field `schema_version`.

    Attributes:
        newest_schema: The newest version that this charcnn writes and reads.
    """

    newest_schema: ClassVar[int] = 1

    @classmethod
    def parse(cls, text: str | bytes, where: str) -> Self:
        """Read a document, its schema's version first.

        Args:
            text: The JSON.
            where: What the error names, usually the file.

        Raises:
            CardError: not JSON, a newer schema, or a field that is missing, unknown or of the wrong type.
        """
        check_schema(text, where, cls.newest_schema)
        try:
            return cls.model_validate_json(text)
        except ValidationError as fault:
            first = fault.errors()[0]
            field = ".".join(map(str, first["loc"]))
            raise CardError(f"{where}: {field}: {first['msg']}") from None
        except ConfigError as fault:  # settings that no training could have had
            raise CardError(f"{where}: {fault.message}") from None


def check_schema(text: str | bytes, where: str, newest: int) -> None:
    """Check only the `schema_version` of a JSON document.

    Raises:
        CardError: not a JSON object, no version, or one above `newest`.
    """
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as fault:
        raise CardError(f"{where} is not JSON: {fault}") from None
    version = document.get("schema_version") if isinstance(document, dict) else None
    if type(version) is not int or version < 1:
        raise CardError(f"{where} has no schema_version, so it was not written by charcnn.")
    if version > newest:
        raise CardError(
            f"{where} has schema version {version}; this charcnn reads up to {newest}.",
            "Upgrade charcnn: pip install -U charcnn",
        )
