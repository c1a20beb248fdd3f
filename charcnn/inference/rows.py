"""One answer, one row: the form that every per-image answer has in CSV, JSON and text.

Columns and keys are only ever appended.
"""

from collections.abc import Collection, Iterable
from itertools import chain
from typing import Any, NamedTuple

from charcnn.inference.prediction import Prediction, Status

_SIGNS: dict[Status, str] = {"unreadable": "□▢◻▯"}
"""What keeps the place of an image that was not read in a text, the preferred sign first."""
_MORE_SIGNS = "".join(map(chr, range(0x25A0, 0x2600)))
"""Unicode's geometric shapes, where a model reads all of the preferred ones."""
_LAST_SIGN = "\ufffd"


class Row(NamedTuple):
    """The answer to one image.

    Attributes:
        file: The image, as it is shown.
        prediction: What it was read as.
        truth: Its label where it is known, else empty.
    """

    file: str
    prediction: Prediction
    truth: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return the row as a JSON object; `error` says why an image was not read, and is there only then."""
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
    """Return the names of the columns, with so many guesses."""
    more = chain.from_iterable((f"label_{rank}", f"probability_{rank}") for rank in range(2, guesses + 1))
    return ["file", "label", "probability", *more, "status", "truth"]


def place_signs(labels: Collection[str]) -> dict[Status, str]:
    """Return the signs that stand for an image without a label, by status; none occurs in one of a model's labels."""
    used = set("".join(labels))
    return {
        status: next((sign for sign in chain(preferred, _MORE_SIGNS) if sign not in used), _LAST_SIGN)
        for status, preferred in _SIGNS.items()
    }


def to_text(predictions: Iterable[Prediction], labels: Collection[str]) -> str:
    """Return the labels one after the other; a sign keeps the place of an image without one.

    Args:
        predictions: The answers.
        labels: All labels of the model.
    """
    signs = place_signs(labels)
    return "".join(signs.get(prediction.status, prediction.label) for prediction in predictions)
