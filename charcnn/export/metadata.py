"""The metadata of exported files."""

import json
from collections.abc import Sequence

from charcnn.specs.image import ImageSpec


def metadata(labels: Sequence[str], spec: ImageSpec) -> dict[str, str]:
    """Return the metadata of an exported file: the JSON texts `labels` and `image`, the `ImageSpec`."""
    return {"labels": json.dumps(list(labels), ensure_ascii=False), "image": spec.model_dump_json()}
