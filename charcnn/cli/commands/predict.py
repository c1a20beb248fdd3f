"""`charcnn predict`."""

import glob
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from charcnn.cli import output
from charcnn.cli.errors import FAILED
from charcnn.cli.options import Model, RegistryRoot, Strict

if TYPE_CHECKING:
    from typing_extensions import TypeIs

    from charcnn.inference.predictor import Prediction, Predictor, Unreadable

_ROWS = 20
"""Rows of the table for people; the other forms give all."""
_PLACE = "□"
"""Keeps the place of an unreadable image in a text."""


def predict(
    paths: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[PATH]...",
            help="Images, folders, patterns; - is an image on standard input.",
            show_default="ttest",
        ),
    ] = None,
    model: Model = "latest",
    top_k: Annotated[int, typer.Option("--top-k", "-k", min=1, help="Guesses per image.")] = 1,
    files_from: Annotated[str | None, typer.Option(help="File with one path per line; - is standard input.")] = None,
    as_text: Annotated[bool, typer.Option("--text", help="Just the characters, in order.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="JSON on stdout.")] = False,
    as_jsonl: Annotated[bool, typer.Option("--jsonl", help="One JSON object per line on stdout.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="file,label,probability,… on stdout.")] = False,
    strict: Strict = False,
    registry: RegistryRoot = None,
) -> None:
    """Read images: label and probability of each, in natural order.

    Without a path the starter set's ttest is read, if the model knows its characters.
    """
    from charcnn.errors import ConfigError

    if as_text + as_json + as_jsonl + as_csv > 1:
        raise ConfigError("--text, --json, --jsonl and --csv exclude each other.", "Leave all but one out.")
    from charcnn.inference.predictor import Predictor
    from charcnn.registry.store import Registry

    predictor = Predictor.load(model, Registry(registry))
    if paths == ["-"] and files_from is None:
        results = [("-", _predict_stdin(predictor, top_k))]
        truth: dict[str, str] = {}
    else:
        files, truth = _files(paths or [], files_from, predictor)
        with output.progress("Reading") as update:
            results = list(zip(files, predictor.predict_files(files, top_k, update), strict=True))
    if as_text:
        output.put("".join(_PLACE if _is_bad(result) else result.label for _, result in results))
    elif as_json:
        rows = [_row(file, result) for file, result in results]
        output.put_json({"schema_version": 1, "model": predictor.reference, "predictions": rows})
    elif as_jsonl:
        _put_lines(results)
    elif as_csv:
        _put_csv(results, min(top_k, len(predictor.labels)))
    else:
        _show(results, truth)
    _summarise(results, truth, predictor, strict)


def reading_command(reference: str, labels: Sequence[str]) -> str:
    """Gives what to type to read with a model: without files only where it reads the starter set."""
    from charcnn.handwriting.charsets import STARTER

    files = "" if set(STARTER) <= set(labels) else " FILE…"
    return f"charcnn predict --model {reference}{files}"


Result = tuple[str, "Prediction | Unreadable"]


def _is_bad(result: "Prediction | Unreadable") -> "TypeIs[Unreadable]":
    return hasattr(result, "reason")


def _predict_stdin(predictor: "Predictor", top_k: int) -> "Prediction | Unreadable":
    from charcnn.errors import ImageError
    from charcnn.images.io import decode_image
    from charcnn.inference.predictor import Unreadable

    try:
        return predictor.predict(decode_image(sys.stdin.buffer.read(), "standard input"), top_k)
    except ImageError as fault:
        return Unreadable(fault.message)


def _files(paths: Sequence[str], files_from: str | None, predictor: "Predictor") -> tuple[list[str], dict[str, str]]:
    """The files to read, and the truth about them where a dataset tells it (file → label)."""
    from charcnn.errors import ConfigError, DatasetError
    from charcnn.images.find import list_images
    from charcnn.text import best_file_match

    if "-" in paths:
        raise ConfigError("- stands for one image on standard input, and stands alone.")
    asked = [*(_listed(files_from) if files_from is not None else ()), *paths]
    if not asked and files_from is not None:
        raise DatasetError(f"{files_from} names no files.")
    found = _expanded(asked) if asked else [_default_folder(predictor)]
    if not any(path.exists() for path in found):
        missing = found[0]
        more = f", nor any of the {len(found) - 1} others" if len(found) > 1 else ""
        beside = [path.name for path in missing.parent.iterdir()] if missing.parent.is_dir() else []
        near = best_file_match(missing.name, beside)
        meant = f"Did you mean {missing.with_name(near)}?" if near else ""
        raise DatasetError(
            f"There is no {missing}{more}.", meant or "Name images, folders or patterns: charcnn predict PATH"
        )
    files: list[str] = []
    truth: dict[str, str] = {}
    for path in found:
        if not path.is_dir():
            files.append(path.as_posix())
            continue
        inside = list_images(path)
        if not inside:
            raise DatasetError(f"{path} holds no images.", "Name images, or a folder of images: charcnn predict PATH")
        files += inside
        truth |= _truth(path, predictor)
    return files, truth


def _listed(files_from: str) -> list[str]:
    """The paths that a list names, one per line."""
    from charcnn.errors import ConfigError

    try:
        data = sys.stdin.buffer.read() if files_from == "-" else Path(files_from).read_bytes()
        return [line for line in data.decode("utf-8-sig").splitlines() if line.strip()]
    except UnicodeDecodeError:
        raise ConfigError(f"{files_from} is no list in UTF-8.") from None


def _expanded(paths: Sequence[str]) -> list[Path]:
    """Patterns that the shell left alone, and names under the data root, become paths."""
    from charcnn.datasets.locate import existing_path

    found: list[Path] = []
    for text in paths:
        path = existing_path(text)
        if path is None and glob.has_magic(text):
            found += _matches(Path(text))
        else:
            found.append(path or Path(text))
    return found


def _matches(pattern: Path) -> list[Path]:
    from charcnn.errors import DatasetError
    from charcnn.storage.paths import natural_key

    found = Path(pattern.anchor).glob(str(pattern.relative_to(pattern.anchor)))
    matches = sorted(found, key=lambda path: natural_key(path.as_posix()))
    if not matches:
        raise DatasetError(f"No file matches {pattern}.")
    return matches


def _default_folder(predictor: "Predictor") -> Path:
    from charcnn.datasets.generate.on_demand import dataset_or_starter
    from charcnn.datasets.locate import data_root
    from charcnn.datasets.scan import scan
    from charcnn.errors import DatasetError
    from charcnn.handwriting.charsets import STARTER

    fault = DatasetError(
        f"{predictor.reference} reads other characters than the starter set: say what to read.",
        f"charcnn predict FILE… --model {predictor.reference}",
    )
    if not (data_root() / "ttest").exists() and not set(STARTER) <= set(predictor.labels):
        raise fault
    folder = dataset_or_starter("ttest")
    if not set(scan(folder).classes) <= set(predictor.labels):
        raise fault
    return folder


def _truth(folder: Path, predictor: "Predictor") -> dict[str, str]:
    """What a labelled dataset tells about its files; nothing, where its labels are not the model's."""
    from charcnn.datasets.scan import may_tell_labels, scan
    from charcnn.errors import DatasetError

    if not may_tell_labels(folder):
        return {}
    try:
        dataset = scan(folder)
    except DatasetError:  # a folder of anything may be read; only a dataset tells the truth about itself
        return {}
    if dataset.labels is None or not set(dataset.classes) <= set(predictor.labels):
        return {}
    return {file.as_posix(): dataset.classes[label] for file, label in zip(dataset.files, dataset.labels, strict=True)}


def _row(file: str, result: "Prediction | Unreadable") -> dict[str, Any]:
    if _is_bad(result):
        return {"file": file, "error": result.reason}
    top = [{"label": guess.label, "probability": guess.probability} for guess in result.top]
    return {"file": file, **top[0], "top": top}


def _put_lines(results: Sequence[Result]) -> None:
    import json

    for file, result in results:
        output.put(json.dumps({"schema_version": 1, **_row(file, result)}, ensure_ascii=False, allow_nan=False))


def _put_csv(results: Sequence[Result], top_k: int) -> None:
    header = ["file", "label", "probability"]
    for rank in range(2, top_k + 1):
        header += [f"label_{rank}", f"probability_{rank}"]
    rows = []
    for file, result in results:
        guesses = [] if _is_bad(result) else [cell for guess in result.top for cell in guess]
        rows.append([file, *(guesses or [""] * (len(header) - 1))])
    output.put_csv(header, rows)


def _show(results: Sequence[Result], truth: dict[str, str]) -> None:
    more = ["other guesses"] if any(len(getattr(result, "top", ())) > 1 for _, result in results) else []
    told = ["truth"] if truth else []
    rows: list[output.Row] = []
    for file, result in results[:_ROWS]:
        if _is_bad(result):
            cells = [_PLACE, "", *("" for _ in more)]
        else:
            cells = [result.label, f"{result.probability:.2%}"]
            cells += [" ".join(f"{g.label} {g.probability:.2%}" for g in result.top[1:]) for _ in more]
        right = truth.get(file, "")
        wrong = right not in ("", cells[0])
        rows.append((file, *cells, *(output.Cell(right, "red" if wrong else "") for _ in told)))
    output.put_table(("file", "label", "probability", *more, *told), rows, right=("probability",))
    if len(results) > _ROWS:
        output.say(f"… and {len(results) - _ROWS} more (--csv, --json and --text give all)")


def _summarise(results: Sequence[Result], truth: dict[str, str], predictor: "Predictor", strict: bool) -> None:
    reasons = [result.reason for _, result in results if _is_bad(result)]
    for reason in reasons[:5]:
        output.warn(reason)
    good = len(results) - len(reasons)
    images = "image" if good == 1 else "images"
    output.say(
        f"Read {good} {images} with {predictor.reference}." + (f" {len(reasons)} could not be read." if reasons else "")
    )
    known = [(result.label, truth[file]) for file, result in results if file in truth and not _is_bad(result)]
    if known:
        output.say(f"{sum(read == right for read, right in known) / len(known):.2%} of them right.")
    if not good or (strict and reasons):
        raise typer.Exit(FAILED)
