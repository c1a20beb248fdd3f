"""The result of an evaluation: its metrics, and the document that is stored."""

from datetime import UTC, datetime
from typing import Any, ClassVar, Self

from pydantic import model_validator

from charcnn.evaluation.metrics import ConfusionMatrix, share_among
from charcnn.evaluation.score import Scored
from charcnn.specs.base import Document, StrictModel


class ClassScores(StrictModel):
    """How well one label was read; shares are 0 … 1."""

    label: str
    precision: float
    recall: float
    f1: float
    support: int


class Evaluation(Document):
    """What was measured of a model on a dataset. Documents of schema version 1, with a dense matrix, open too.

    Attributes:
        confusion: The confusion matrix without its zeros: (index of the true label, index of the label read, images).
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
        """The confusion matrix, to compute with."""
        return ConfusionMatrix.from_triplets(self.confusion, len(self.labels))

    @classmethod
    def from_scored(
        cls, scored: Scored, *, model: str, dataset: str, fingerprint: str, unreadable: int = 0, seconds: float = 0.0
    ) -> Self:
        """Return the metrics of scored images.

        Args:
            scored: What the model answered to at least one image; at least three guesses of each.
            model: The model's name.
            dataset: The dataset's name.
            fingerprint: Of the dataset's content.
            unreadable: Images of the dataset that could not be read.
            seconds: How long it took.
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
    """Return the dense matrix of schema version 1 as schema version 2 holds it."""
    try:
        return [(truth, read, images) for truth, row in enumerate(rows) for read, images in enumerate(row) if images]
    except TypeError:
        raise ValueError("confusion is not a matrix") from None
