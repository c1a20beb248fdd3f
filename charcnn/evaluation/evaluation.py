"""The result of an evaluation, as it is stored in the registry."""

from datetime import UTC, datetime
from typing import Any, ClassVar, Self

from pydantic import model_validator

from charcnn.evaluation.metrics import ConfusionMatrix, share_among
from charcnn.evaluation.score import Scored
from charcnn.specs.base import Document, StrictModel


class ClassScores(StrictModel):
    """Precision, recall and F1 (0 … 1) of one label, and its number of images (`support`)."""

    label: str
    precision: float
    recall: float
    f1: float
    support: int


class Evaluation(Document):
    """The metrics of a model on a dataset.

    Documents of schema version 1, which have a dense confusion matrix, can be read too.

    Attributes:
        confusion: The nonzero entries of the confusion matrix: (index of the true label, index of the predicted label,
            number of images).
    """

    newest_schema: ClassVar[int] = 2

    schema_version: int = 2
    model: str
    dataset: str
    fingerprint: str
    created: datetime
    images: int
    unreadable: int
    seconds: float
    loss: float
    accuracy: float
    top3: float
    macro_f1: float
    balanced_accuracy: float
    per_class: tuple[ClassScores, ...]
    labels: tuple[str, ...]
    confusion: tuple[tuple[int, int, int], ...]

    @property
    def matrix(self) -> ConfusionMatrix:
        """The confusion matrix."""
        return ConfusionMatrix.from_triplets(self.confusion, len(self.labels))

    @classmethod
    def from_scored(
        cls, scored: Scored, *, model: str, dataset: str, fingerprint: str, unreadable: int = 0, seconds: float = 0.0
    ) -> Self:
        """Compute the metrics of scored images.

        Args:
            scored: Scores of at least one image, with at least three guesses per image.
            model: Reference of the model.
            dataset: Name of the dataset.
            fingerprint: Fingerprint of the dataset's content.
            unreadable: Number of images that could not be read.
            seconds: Duration of the evaluation, in seconds.
        """
        matrix = ConfusionMatrix.count(scored.truth, scored.read, len(scored.labels))
        columns = (matrix.precision, matrix.recall, matrix.f1, matrix.support)
        return cls(
            model=model,
            dataset=dataset,
            fingerprint=fingerprint,
            created=datetime.now(UTC),
            images=len(scored),
            unreadable=unreadable,
            seconds=seconds,
            loss=float(scored.losses.mean()),
            accuracy=matrix.accuracy,
            top3=share_among(scored.top[:, :3], scored.truth),
            macro_f1=matrix.macro_f1,
            balanced_accuracy=matrix.balanced_accuracy,
            per_class=tuple(
                ClassScores(label=label, precision=float(p), recall=float(r), f1=float(f), support=int(n))
                for label, p, r, f, n in zip(scored.labels, *columns, strict=True)
                if n
            ),
            labels=scored.labels,
            confusion=tuple(matrix.triplets()),
        )

    @model_validator(mode="before")
    @classmethod
    def _upgrade(cls, document: Any) -> Any:
        if not isinstance(document, dict) or document.get("schema_version") != 1:
            return document
        return document | {"schema_version": 2, "confusion": _without_zeros(document.get("confusion"))}


def _without_zeros(rows: Any) -> list[tuple[int, int, int]]:
    """Return the nonzero entries of a dense matrix, as in schema version 2."""
    try:
        return [(truth, read, images) for truth, row in enumerate(rows) for read, images in enumerate(row) if images]
    except TypeError:
        raise ValueError("confusion is not a matrix") from None
