"""Output of predictions: table, CSV or JSON lines, and a summary."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from charcnn.cli import output
from charcnn.inference.rows import Row, csv_header, place_signs
from charcnn.text import pluralize

if TYPE_CHECKING:
    from charcnn.inference.predictor import Predictor

_MAX_TABLE_ROWS = 20
_MAX_REASONS = 5


def put_lines(rows: Sequence[Row]) -> None:
    """Write each row as a JSON object on a line of its own."""
    for row in rows:
        output.put_json({"schema_version": 1, **row.to_json()}, indent=None)


def put_csv(rows: Sequence[Row], guesses: int) -> None:
    """Write the rows as CSV, with this many guesses each."""
    output.put_csv(csv_header(guesses), (row.to_csv(guesses) for row in rows))


def put_table(rows: Sequence[Row], labels: Sequence[str]) -> None:
    """Write the first rows as a table.

    Args:
        rows: The predictions.
        labels: All labels of the model.
    """
    signs = place_signs(labels)
    has_more = any(len(row.prediction.top) > 1 for row in rows)
    has_truth = any(row.truth for row in rows)
    header = ["file", "label", "probability", *["other guesses"] * has_more, *["truth"] * has_truth]
    lines: list[output.Row] = []
    for row in rows[:_MAX_TABLE_ROWS]:
        prediction = row.prediction
        label = signs.get(prediction.status, prediction.label)
        probability = "" if prediction.probability is None else f"{prediction.probability:.2%}"
        more = " ".join(f"{guess.label} {guess.probability:.2%}" for guess in prediction.top[1:])
        truth = output.Cell(row.truth, "red" if row.truth not in ("", label) else "")
        lines.append([row.file, label, probability, *[more] * has_more, *[truth] * has_truth])
    output.put_table(header, lines, right=("probability",))
    if len(rows) > _MAX_TABLE_ROWS:
        output.say(f"… and {len(rows) - _MAX_TABLE_ROWS} more (--csv, --json and --text give all)")


def summarize(rows: Sequence[Row], predictor: "Predictor") -> int:
    """Say how many images were read, why others were not, and how many were read correctly, where known.

    Returns:
        The number of unreadable images.
    """
    reasons = [row.prediction.reason for row in rows if row.prediction.status == "unreadable"]
    for reason in reasons[:_MAX_REASONS]:
        output.warn(reason)
    count = pluralize(len(rows) - len(reasons), "image")
    output.say(f"Read {count} with {predictor.reference}." + (f" {len(reasons)} could not be read." if reasons else ""))
    known = [(row.truth, row.prediction.label) for row in rows if row.truth and row.prediction.label]
    if known:
        from charcnn.evaluation.metrics import ConfusionMatrix  # imported only where labels are known

        truth, read = zip(*known, strict=True)
        accuracy = ConfusionMatrix.count_labels(truth, read, predictor.labels).accuracy
        output.say(f"{accuracy:.2%} of them right.")
    return len(reasons)
