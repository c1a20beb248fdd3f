"""Format per-image predictions as rows of CSV, JSON and text.

To stay compatible, new columns and keys are only ever appended.
"""

from collections.abc import Collection, Iterable
from itertools import chain
from typing import Any, NamedTuple

from charcnn.inference.prediction import Prediction, Status

_PREFERRED_SIGNS: dict[Status, str] = {"unreadable": "□▢◻▯"}
"""Placeholders in text for images without a label, in order of preference."""
_FALLBACK_SIGNS = "".join(map(chr, range(0x25A0, 0x2600)))
"""Unicode's geometric shapes, for models whose labels contain all preferred signs."""
_LAST_RESORT_SIGN = "\ufffd"
"""Unicode's replacement character, for models whose labels contain all other signs too."""


class Row(NamedTuple):
    """The prediction for one image, with its file name and true label.

    Attributes:
        file: File name to show.
        prediction: The prediction.
        truth: The true label. Empty if unknown.
    """

    file: str
    prediction: Prediction
    truth: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return the row as a JSON object. The key `error` exists only if the image was not read."""
        prediction = self.prediction
        row = {
            "file": self.file,
            "label": prediction.label or None,
            "probability": prediction.probability,
            "top": [guess._asdict() for guess in prediction.top],
            "status": prediction.status,
            "truth": self.truth or None,
        }
        return row | {"error": prediction.reason} if prediction.reason else row

    def to_csv(self, guesses: int) -> list[str | float]:
        """Return the row's cells under `csv_header(guesses)`."""
        cells: list[str | float] = [cell for guess in self.prediction.top[:guesses] for cell in guess]
        missing = [""] * (2 * guesses - len(cells))
        return [self.file, *cells, *missing, self.prediction.status, self.truth]


def csv_header(guesses: int) -> list[str]:
    """Return the column names for a number of guesses per image."""
    more = chain.from_iterable((f"label_{rank}", f"probability_{rank}") for rank in range(2, guesses + 1))
    return ["file", "label", "probability", *more, "status", "truth"]


def place_signs(labels: Collection[str]) -> dict[Status, str]:
    """Return the placeholder for images without a label, by status. It does not occur in the model's labels."""
    used = set("".join(labels))
    return {
        status: next((sign for sign in chain(preferred, _FALLBACK_SIGNS) if sign not in used), _LAST_RESORT_SIGN)
        for status, preferred in _PREFERRED_SIGNS.items()
    }


def to_text(predictions: Iterable[Prediction], labels: Collection[str]) -> str:
    """Return the predicted labels as one text, with a placeholder for each image without a label.

    Args:
        predictions: The predictions, in order.
        labels: All labels of the model.
    """
    signs = place_signs(labels)
    return "".join(signs.get(prediction.status, prediction.label) for prediction in predictions)
