"""`Evaluation`: the stored document, and documents of earlier schemas."""

import json
from typing import Any

import numpy as np
import pytest

from charcnn.errors import CardError
from charcnn.evaluation.evaluation import Evaluation
from charcnn.evaluation.score import Scored


def scored(classes: int, images: int, seed: int = 0) -> Scored:
    """Scores of images of which 90 % are read correctly."""
    rng = np.random.default_rng(seed)
    truth = np.sort(rng.integers(0, classes, images))
    read = np.where(rng.random(images) < 0.9, truth, rng.integers(0, classes, images))
    top = np.stack([read, (read + 1) % classes, (read + 2) % classes], axis=1)
    probabilities = np.full((images, 3), 0.3, np.float32)
    labels = tuple(chr(0x4E00 + number) for number in range(classes))
    return Scored(labels, truth, top, probabilities, rng.random(images), ())


def evaluation(classes: int = 12, images: int = 500) -> Evaluation:
    return Evaluation.from_scored(scored(classes, images), model="m@1", dataset="test", fingerprint="f" * 64)


def refuse(word: str) -> Any:
    raise AssertionError(word)


def test_document_is_strict_json_and_opens_again() -> None:
    one = evaluation()
    text = one.model_dump_json(indent=1)
    document = json.loads(text, parse_constant=refuse)
    assert document["schema_version"] == 2
    assert Evaluation.parse(text, "here.json") == one
    assert Evaluation.parse(text.encode(), "here.json").matrix.accuracy == one.accuracy


def test_confusion_is_stored_without_its_zeros() -> None:
    triplets = json.loads(evaluation().model_dump_json())["confusion"]
    assert sum(images for _, _, images in triplets) == 500
    assert all(images > 0 for _, _, images in triplets)
    assert triplets == sorted(triplets)


def test_evaluation_of_thousands_of_labels_stays_small() -> None:
    one = evaluation(classes=3755, images=75_000)
    assert len(one.model_dump_json(indent=1)) < 1_500_000
    assert len(one.per_class) == 3755
    assert one.accuracy == pytest.approx(0.9, abs=0.01)


def test_document_of_schema_version_1_still_opens() -> None:
    one = evaluation()
    old = json.loads(one.model_dump_json()) | {"schema_version": 1, "confusion": one.matrix.to_dense().tolist()}
    assert Evaluation.parse(json.dumps(old), "old.json") == one


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"schema_version": 3}, "schema version 3"),
        ({"schema_version": None}, "no schema_version"),
        ({"accuracy": "high"}, "accuracy"),
        ({"confusion": [[1, 2]]}, "confusion"),
        ({"schema_version": 1, "confusion": 5}, "confusion"),
        ({"surprise": 1}, "surprise"),
    ],
)
def test_document_that_cannot_be_understood_is_named(change: dict[str, Any], message: str) -> None:
    text = json.dumps(json.loads(evaluation().model_dump_json()) | change)
    with pytest.raises(CardError, match=message) as fault:
        Evaluation.parse(text, "here.json")
    assert "here.json" in fault.value.message
