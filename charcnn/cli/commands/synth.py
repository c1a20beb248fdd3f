"""`charcnn synth`."""

from pathlib import Path
from typing import Annotated, get_args

import typer

from charcnn.cli import output
from charcnn.cli.options import ForceOverChanges, Jobs, Seed, choices_metavar
from charcnn.cli.suggestions import quote
from charcnn.specs.choices import Neatness, Paper, Pen

_PAPERS = get_args(Paper)


def _complete_set(incomplete: str) -> list[str]:
    """Complete the name of a set."""
    from charcnn.handwriting.charsets import CHARSETS

    return [name for name in CHARSETS if name.startswith(incomplete)]


def _parse_paper(name: str) -> str:
    """Return the name of a paper; earlier versions spelled gray as grey."""
    return {"grey": "gray"}.get(name.casefold(), name.casefold())


def _complete_paper(incomplete: str) -> list[str]:
    """Complete the name of a paper."""
    return [name for name in _PAPERS if name.startswith(incomplete)]


def synth(
    characters: Annotated[
        str | None,
        typer.Argument(
            metavar="CHARACTERS",
            help="Characters to write, for example 0123456789 or 守宁安字容.",
            show_default="starter set",
        ),
    ] = None,
    lists: Annotated[
        list[Path] | None,
        typer.Option("--file", metavar="FILE", help="Text file in UTF-8 with characters to write. Repeatable."),
    ] = None,
    sets: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="NAME",
            help="Named set: digits, lower, upper, latin, hiragana, katakana, gb2312-1, …. Repeatable.",
            autocompletion=_complete_set,
        ),
    ] = None,
    destination: Annotated[
        Path | None,
        typer.Option(
            "--out", "-o", help="Folder to write to.", show_default="a new one in $CHARCNN_DATA, else in data"
        ),
    ] = None,
    per_class: Annotated[int, typer.Option(min=2, help="Training images per character.")] = 500,
    test_per_class: Annotated[int, typer.Option(min=1, help="Test images per character, by other writers.")] = 100,
    font: Annotated[
        list[Path] | None,
        typer.Option(
            "--font",
            metavar="FILE",
            help="Font file that supplies the shapes. Repeatable.",
            show_default="built-in fonts",
        ),
    ] = None,
    style: Annotated[
        Neatness | None,
        typer.Option(
            "--style",
            help="Neatness of the handwriting.",
            case_sensitive=False,
            metavar=choices_metavar(get_args(Neatness)),
            show_default="normal; starter set: neat",
        ),
    ] = None,
    pen: Annotated[
        Pen | None,
        typer.Option(
            "--pen",
            help="Kind of pen.",
            case_sensitive=False,
            show_default="varies by writer",
            metavar=choices_metavar(get_args(Pen)),
        ),
    ] = None,
    paper: Annotated[
        Paper | None,
        typer.Option(
            "--paper",
            help="How the page is captured; scan is black and white.",
            metavar=choices_metavar(_PAPERS),
            parser=_parse_paper,
            autocompletion=_complete_paper,
            show_default="varies by writer; scan for the starter set",
        ),
    ] = None,
    size: Annotated[
        int | None,
        typer.Option("--size", help="Side of the images, in pixels.", show_default="64; 28 for the starter set"),
    ] = None,
    seed: Seed = 0,
    jobs: Jobs = None,
    preview: Annotated[bool, typer.Option("--preview", help="Also write a contact sheet.")] = False,
    force: ForceOverChanges = False,
) -> None:
    """Generate a dataset: characters in synthetic handwriting.

    Writes the folders train and test, with one folder per character. Each simulated writer writes every character once;
    train and test use different writers. Without characters, generates the starter set: twelve Chinese characters, and
    a flat, shuffled folder ttest with its labels in ttest.csv. Accuracy on synthetic images says little about real
    handwriting.

    Prints the training folder.
    """
    from charcnn.datasets.generate.synth import synth as write
    from charcnn.datasets.locate import DATASET_FOLDERS
    from charcnn.handwriting.style import WritingStyle
    from charcnn.machine import usable_cores

    writing_style = WritingStyle(style=style, pen=pen, paper=paper, fonts=tuple(font or ()), seed=seed)
    texts = [text for text in (characters, *map(_read, lists or ())) if text is not None]
    with output.progress("Writing") as update:
        root = write(
            "".join(texts) if texts else None,
            destination,
            sets=sets or (),
            per_class=per_class,
            test_per_class=test_per_class,
            size=size,
            style=writing_style,
            jobs=jobs or usable_cores(),
            preview=preview,
            force=force,
            on_progress=update,
        )
    written = [str(root / folder) for folder in DATASET_FOLDERS if (root / folder).is_dir()]
    output.say(f"Wrote {', '.join(written[:-1])} and {written[-1]}.")
    if preview:
        output.say(f"Contact sheet: {root / 'preview.png'}")
    output.put(str(root / "train"))
    is_default = destination is None and not texts and not sets
    output.next_step("charcnn train" if is_default else f"charcnn train --data {quote(str(root / 'train'))}")


def _read(path: Path) -> str:
    """Return the characters of a text file.

    Raises:
        DatasetError: it is not UTF-8.
        OSError: it cannot be read.
    """
    from charcnn.errors import DatasetError

    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as fault:
        raise DatasetError(f"{path} is not UTF-8: {fault.reason} at byte {fault.start}.", "Save it as UTF-8.") from None
