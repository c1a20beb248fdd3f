"""Base classes of the specifications, and of the JSON files that store them."""

import json
from typing import Annotated, ClassVar, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from charcnn.errors import CardError, ConfigError

FILE_NAME_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$"
"""Names of a version's files: no separators, so that a file cannot be outside of the version's folder."""
FileName = Annotated[str, Field(pattern=FILE_NAME_PATTERN)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class StrictModel(BaseModel):
    """Frozen pydantic model that rejects unknown fields, NaN and infinity."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        allow_inf_nan=False,
        defer_build=True,  # a command builds only the models that it uses
    )


class Document(StrictModel):
    """Model stored as a JSON file with a field `schema_version`.

    Attributes:
        newest_schema: The newest schema version that this charcnn reads and writes.
    """

    newest_schema: ClassVar[int] = 1

    @classmethod
    def parse(cls, text: str | bytes, where: str) -> Self:
        """Parse a document, after checking its schema version.

        Args:
            text: The JSON.
            where: What to call it in errors, usually the file's path.

        Raises:
            CardError: the text is not JSON, its schema is newer, or a field is missing, unknown or of the wrong type.
        """
        check_schema(text, where, cls.newest_schema)
        try:
            return cls.model_validate_json(text)
        except ValidationError as fault:
            first = fault.errors()[0]
            field = ".".join(map(str, first["loc"]))
            raise CardError(f"{where}: {field}: {first['msg']}") from None
        except ConfigError as fault:  # invalid or conflicting settings
            raise CardError(f"{where}: {fault.message}") from None


def check_schema(text: str | bytes, where: str, newest: int) -> None:
    """Check only the `schema_version` of a JSON document.

    Raises:
        CardError: the text is not a JSON object, has no version, or one above `newest`.
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
