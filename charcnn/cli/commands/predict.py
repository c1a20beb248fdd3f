"""`charcnn predict`."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from charcnn.cli import output
from charcnn.cli.errors import FAILED
from charcnn.cli.options import AnyFormat, Csv, Json, Jsonl, Model, RegistryRoot, Strict, Text, chosen_format

if TYPE_CHECKING:
    from charcnn.datasets.inputs import ImageFiles
    from charcnn.inference.prediction import Prediction
    from charcnn.inference.predictor import Predictor


def predict(
    paths: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="PATH",
            help="Images, folders or patterns; - is one image on standard input.",
            show_default="ttest",
        ),
    ] = None,
    model: Model = "latest",
    top_k: Annotated[int, typer.Option("--top-k", "-k", min=1, help="Guesses per image.")] = 1,
    files_from: Annotated[str | None, typer.Option(help="File with one path per line; - is standard input.")] = None,
    format_: AnyFormat = None,
    as_text: Text = False,
    as_json: Json = False,
    as_jsonl: Jsonl = False,
    as_csv: Csv = False,
    strict: Strict = False,
    registry: RegistryRoot = None,
) -> None:
    """Read images: label and probability of each, in natural order.

    Each image holds one character. Without a path, reads the starter set's ttest if the model knows its characters.
    """
    form = chosen_format(format_, text=as_text, json=as_json, jsonl=as_jsonl, csv=as_csv)
    from charcnn.cli import predictions
    from charcnn.inference.predictor import Predictor
    from charcnn.inference.rows import Row, to_text
    from charcnn.registry.store import Registry

    predictor = Predictor.load(model, Registry(registry))
    if paths == ["-"] and files_from is None:
        rows = [Row("-", _read_stdin(predictor, top_k))]
    else:
        images = _collect(paths or [], files_from, predictor, registry)
        with output.progress("Reading") as update:
            answers = predictor.predict_files(images.files, top_k, update)
            rows = list(map(Row, images.files, answers, images.truth))
    if form == "text":
        output.put(to_text((row.prediction for row in rows), predictor.labels))
    elif form == "json":
        document = {"schema_version": 1, "model": predictor.reference}
        output.put_json(document | {"predictions": [row.to_json() for row in rows]})
    elif form == "jsonl":
        predictions.put_lines(rows)
    elif form == "csv":
        predictions.put_csv(rows, min(top_k, len(predictor.labels)))
    else:
        predictions.put_table(rows, predictor.labels)
    unreadable = predictions.summarize(rows, predictor)
    if unreadable == len(rows) or (strict and unreadable):
        raise typer.Exit(FAILED)


def _read_stdin(predictor: "Predictor", top_k: int) -> "Prediction":
    from charcnn.errors import ImageError
    from charcnn.images.codec import decode_image
    from charcnn.inference.prediction import Prediction

    try:
        return predictor.predict(decode_image(sys.stdin.buffer.read(), "standard input"), top_k)
    except ImageError as fault:
        return Prediction("unreadable", reason=fault.message)


def _collect(
    paths: Sequence[str], files_from: str | None, predictor: "Predictor", registry: Path | None
) -> "ImageFiles":
    from charcnn.datasets.inputs import collect_image_files, parse_path_list
    from charcnn.errors import ConfigError, DatasetError

    if "-" in paths:
        raise ConfigError(
            "- is one image on standard input, and cannot be combined with other paths.", "Leave the others out."
        )
    listed = [] if files_from is None else parse_path_list(_read_bytes(files_from), files_from)
    if files_from is not None and not [*listed, *paths]:
        raise DatasetError(f"{files_from} names no files.")
    return collect_image_files([*listed, *paths] or [_default_folder(predictor, registry)], predictor.labels)


def _read_bytes(source: str) -> bytes:
    """Return the content of a file; `-` is standard input."""
    return sys.stdin.buffer.read() if source == "-" else Path(source).read_bytes()


def _default_folder(predictor: "Predictor", registry: Path | None) -> Path:
    from charcnn.cli.suggestions import with_registry
    from charcnn.datasets.generate.on_demand import dataset_or_starter
    from charcnn.datasets.locate import data_root
    from charcnn.datasets.scan import scan
    from charcnn.errors import DatasetError
    from charcnn.handwriting.charsets import STARTER

    fault = DatasetError(
        f"{predictor.reference} does not know the characters of the starter set, so it needs images to read.",
        with_registry(f"charcnn predict --model {predictor.reference} FILE…", registry),
    )
    if not (data_root() / "ttest").exists() and not set(STARTER) <= set(predictor.labels):
        raise fault
    folder = dataset_or_starter("ttest")
    if not set(scan(folder).classes) <= set(predictor.labels):
        raise fault
    return folder
