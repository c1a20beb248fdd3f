"""The metadata of exported files: labels and image spec."""

import json
from collections.abc import Sequence

from charcnn.specs.image import ImageSpec


def metadata(labels: Sequence[str], spec: ImageSpec) -> dict[str, str]:
    """Return labels and image spec as JSON texts by name, as the file stores them."""
    return {"labels": json.dumps(list(labels), ensure_ascii=False), "image": spec.model_dump_json()}
