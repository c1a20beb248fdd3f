"""`charcnn evaluate`."""

from typing import TYPE_CHECKING, Annotated

import typer

from charcnn.cli import output
from charcnn.cli.options import Csv, Json, Model, RegistryRoot, Strict, TableJsonOrCsv, chosen_format
from charcnn.cli.suggestions import quote, with_registry
from charcnn.registry.references import is_path
from charcnn.text import pluralize

if TYPE_CHECKING:
    from charcnn.evaluation.evaluation import ClassScores, Evaluation
    from charcnn.inference.predictor import Predictor
    from charcnn.registry.store import Registry

_MAX_MATRIX_CLASSES = 30
"""With more classes, the most confused pairs are shown instead of the confusion matrix."""
_MAX_TABLE_CLASSES = 100
"""With more classes, the table shows only those with the lowest recall."""
_WORST_CLASSES = 20


def evaluate(
    model: Model = "latest",
    data: Annotated[
        str | None, typer.Option(help="Labeled dataset.", show_default="test next to the training data")
    ] = None,
    format_: TableJsonOrCsv = None,
    as_json: Json = False,
    as_csv: Csv = False,
    strict: Strict = False,
    registry: RegistryRoot = None,
) -> None:
    """Measure a model on a labeled dataset: accuracy, per-class scores, confusions.

    Stores the result in the registry, under the fingerprint of the dataset. CSV has one line per class.
    """
    form = chosen_format(format_, json=as_json, csv=as_csv)
    from charcnn.datasets.generate.on_demand import dataset_or_starter
    from charcnn.evaluation.evaluate import evaluate as measure
    from charcnn.inference.predictor import Predictor
    from charcnn.registry.store import Registry

    store = Registry(registry)
    predictor = Predictor.load(model, store)
    if data is not None:
        dataset_or_starter(data)
    with output.progress("Reading") as update:
        evaluation = measure(predictor, data, strict=strict, on_progress=update)
    _store(evaluation, predictor, store)
    if form == "json":
        output.put_json(evaluation.model_dump(mode="json"))
    elif form == "csv":
        rows = [(s.label, s.precision, s.recall, s.f1, s.support) for s in evaluation.per_class]
        output.put_csv(("label", "precision", "recall", "f1", "support"), rows)
    else:
        _show(evaluation)
    output.say(
        f"{evaluation.model} on {evaluation.dataset}: {evaluation.accuracy:.2%} of "
        f"{pluralize(evaluation.images, 'image')} right."
    )
    if predictor.version is not None:  # an exported file needs no export
        named = model if is_path(model) else evaluation.model
        output.next_step(with_registry(f"charcnn export --model {quote(named)} --format onnx", registry))


def _store(evaluation: "Evaluation", predictor: "Predictor", store: "Registry") -> None:
    if predictor.version is None or not store.holds(predictor.version):
        return
    try:
        store.add_evaluation(predictor.version, evaluation.fingerprint, evaluation.model_dump_json(indent=1))
    except OSError as fault:
        output.warn(f"The result was not stored: {fault.filename}: {fault.strerror}")


def _show(evaluation: "Evaluation") -> None:
    metrics = {
        "loss": f"{evaluation.loss:.4f}",
        "accuracy": f"{evaluation.accuracy:.2%}",
        "top-3": f"{evaluation.top3:.2%}",
        "macro F1": f"{evaluation.macro_f1:.2%}",
        "balanced accuracy": f"{evaluation.balanced_accuracy:.2%}",
        "images": str(evaluation.images),
        "unreadable": str(evaluation.unreadable),
    }
    output.put_table(("", ""), list(metrics.items()))
    output.put("")
    _show_classes(evaluation.per_class)
    output.put("")
    _show_confusions(evaluation)


def _show_classes(classes: "tuple[ClassScores, ...]") -> None:
    if len(classes) > _MAX_TABLE_CLASSES:
        output.put(f"The {_WORST_CLASSES} of {len(classes)} labels with the lowest recall (--csv gives all):")
        classes = tuple(sorted(classes, key=lambda scores: scores.recall)[:_WORST_CLASSES])
    numbers = ("precision", "recall", "F1", "images")
    rows = [(s.label, f"{s.precision:.2%}", f"{s.recall:.2%}", f"{s.f1:.2%}", str(s.support)) for s in classes]
    output.put_table(("label", *numbers), rows, right=numbers)


def _show_confusions(evaluation: "Evaluation") -> None:
    labels = evaluation.labels
    if len(labels) <= _MAX_MATRIX_CLASSES:
        header, rows = ("truth \\ read", *labels), _matrix_rows(evaluation)
        if output.fits(header, rows):
            output.put_table(header, rows, right=labels)
            return
    output.put("Most confused (the whole matrix: --json):")
    pairs = evaluation.matrix.most_confused()
    if not pairs:
        output.put("none")
        return
    lines = [(labels[pair.truth], labels[pair.read], str(pair.images)) for pair in pairs]
    output.put_table(("truth", "read as", "images"), lines, right=("images",))


def _matrix_rows(evaluation: "Evaluation") -> list[output.Row]:
    rows: list[output.Row] = []
    for number, (label, counts) in enumerate(zip(evaluation.labels, evaluation.matrix.to_dense(), strict=True)):
        cells = [
            output.Cell(str(count) if count else "·", "green" if column == number else "red" if count else "dim")
            for column, count in enumerate(counts)
        ]
        rows.append((label, *cells))
    return rows
