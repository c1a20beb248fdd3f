"""`charcnn evaluate`."""

from typing import TYPE_CHECKING, Annotated

import typer

from charcnn.cli import output
from charcnn.cli.options import Json, Model, RegistryRoot, Strict
from charcnn.text import pluralize

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
    from charcnn.datasets.generate.on_demand import dataset_or_starter
    from charcnn.evaluation.evaluate import evaluate as measure
    from charcnn.inference.predictor import Predictor
    from charcnn.registry.store import Registry

    store = Registry(registry)
    predictor = Predictor.load(model, store)
    if data is not None:
        dataset_or_starter(data)
    with output.progress("Reading") as update:
        evaluation = measure(predictor, data, registry=store, strict=strict, on_progress=update)
    if as_json:
        output.put_json(evaluation.model_dump(mode="json"))
    elif as_csv:
        rows = [(s.label, s.precision, s.recall, s.f1, s.support) for s in evaluation.per_class]
        output.put_csv(("label", "precision", "recall", "f1", "support"), rows)
    else:
        _show(evaluation)
    output.say(
        f"{evaluation.model} on {evaluation.dataset}: {evaluation.accuracy:.2%} of "
        f"{pluralize(evaluation.images, 'image')} right."
    )
    output.next_step(f"charcnn export --model {evaluation.model} --format onnx")


def _show(evaluation: "Evaluation") -> None:
    figures = {
        "loss": f"{evaluation.loss:.4f}",
        "accuracy": f"{evaluation.accuracy:.2%}",
        "top-3": f"{evaluation.top3:.2%}",
        "macro F1": f"{evaluation.macro_f1:.2%}",
        "balanced accuracy": f"{evaluation.balanced_accuracy:.2%}",
        "images": str(evaluation.images),
        "unreadable": str(evaluation.unreadable),
    }
    output.put_table(("", ""), list(figures.items()))
    numbers = ("precision", "recall", "F1", "images")
    scores = [
        (row.label, f"{row.precision:.2%}", f"{row.recall:.2%}", f"{row.f1:.2%}", str(row.support))
        for row in evaluation.per_class
    ]
    output.put("")
    output.put_table(("label", *numbers), scores, right=numbers)
    output.put("")
    header, rows = ("truth \\ read", *evaluation.labels), _matrix_rows(evaluation)
    if len(evaluation.labels) > _MATRIX_LIMIT or not output.fits(header, rows):
        output.put("Most confused (the whole matrix: --json):")
        _show_confusions(evaluation)
    else:
        output.put_table(header, rows, right=evaluation.labels)


def _matrix_rows(evaluation: "Evaluation") -> list[output.Row]:
    rows: list[output.Row] = []
    for number, (label, counts) in enumerate(zip(evaluation.labels, evaluation.confusion, strict=True)):
        cells = [
            output.Cell(str(count) if count else "·", "green" if column == number else "red" if count else "dim")
            for column, count in enumerate(counts)
        ]
        rows.append((label, *cells))
    return rows


def _show_confusions(evaluation: "Evaluation") -> None:
    labels = evaluation.labels
    if not evaluation.matrix.most_confused(1):
        output.put("none")
        return
    rows = [(labels[pair.truth], labels[pair.read], str(pair.images)) for pair in evaluation.matrix.most_confused()]
    output.put_table(("truth", "read as", "images"), rows, right=("images",))
