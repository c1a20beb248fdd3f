"""`charcnn evaluate`."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from charcnn.cli import output
from charcnn.cli.options import Json, Model, RegistryRoot, Strict

if TYPE_CHECKING:
    from charcnn.evaluation.evaluate import Evaluation

_MATRIX_LIMIT = 30
"""Classes above which the confusion matrix gives way to the most confused pairs."""


def evaluate(
    model: Model = "latest",
    data: Annotated[
        str | None, typer.Option(help="A labelled dataset.", show_default="test beside the training data")
    ] = None,
    as_json: Json = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="One line per class, as CSV on stdout.")] = False,
    strict: Strict = False,
    registry: RegistryRoot = None,
) -> None:
    """Measure a model on a labelled dataset: accuracy, per-class scores, confusions.

    The result is kept beside the model, under the fingerprint of the dataset.
    """
    from charcnn.evaluation.evaluate import evaluate as measure
    from charcnn.registry.store import Registry

    store = Registry(registry)
    with output.progress("Reading") as update:
        evaluation = measure(model, data, registry=store, strict=strict, on_progress=update)
    if as_json:
        output.put_json(evaluation.model_dump(mode="json"))
    elif as_csv:
        rows = [(s.label, s.precision, s.recall, s.f1, s.support) for s in evaluation.per_class]
        output.put_csv(("label", "precision", "recall", "f1", "support"), rows)
    else:
        _show(evaluation)
    output.say(
        f"{evaluation.model} on {evaluation.dataset}: {evaluation.accuracy:.2%} of {evaluation.images} images right."
    )
    output.next_step(f"charcnn export --model {evaluation.model} --format onnx")


def _show(evaluation: "Evaluation") -> None:
    figures = output.plain_table("loss", "accuracy", "top-3", "macro F1", "balanced accuracy", "images", "unreadable")
    figures.add_row(
        f"{evaluation.loss:.4f}",
        f"{evaluation.accuracy:.2%}",
        f"{evaluation.top3:.2%}",
        f"{evaluation.macro_f1:.2%}",
        f"{evaluation.balanced_accuracy:.2%}",
        str(evaluation.images),
        str(evaluation.unreadable),
    )
    output.put_table(figures)
    scores = output.plain_table(
        "label", "precision", "recall", "F1", "images", right=("precision", "recall", "F1", "images")
    )
    for row in evaluation.per_class:
        scores.add_row(row.label, f"{row.precision:.2%}", f"{row.recall:.2%}", f"{row.f1:.2%}", str(row.support))
    output.put_table(scores)
    output.put_table(_matrix(evaluation) if len(evaluation.labels) <= _MATRIX_LIMIT else _confusions(evaluation))


def _matrix(evaluation: "Evaluation") -> Any:
    table = output.plain_table("truth \\ read", *evaluation.labels, right=evaluation.labels)
    for row, (label, counts) in enumerate(zip(evaluation.labels, evaluation.confusion, strict=True)):
        cells = [
            f"[green]{count}[/]" if column == row else f"[red]{count}[/]" if count else "[dim]·[/]"
            for column, count in enumerate(counts)
        ]
        table.add_row(label, *cells)
    return table


def _confusions(evaluation: "Evaluation") -> Any:
    table = output.plain_table("truth", "read as", "images", right=("images",))
    for pair in evaluation.matrix.most_confused():
        table.add_row(evaluation.labels[pair.truth], evaluation.labels[pair.read], str(pair.images))
    return table
