"""Every command, name, link and choice in the pages is one that there is."""

import re
import runpy
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import Any, get_args

import pytest
import typer.main

import charcnn
from charcnn import errors
from charcnn.cli.app import make_app
from charcnn.handwriting.charsets import CHARSETS
from charcnn.networks.built_in import BUILT_IN
from charcnn.specs.choices import Augmentation, Loss, Neatness, Paper, Pen, Schedule
from charcnn.specs.optimizers import OPTIMIZERS, Optimizer
from tests.support.pages import DOCS, PAGES, READMES, ROOT, Block, blocks, commands, mentions, name_of, words_of

TYPED = [(page, command) for page in PAGES for command in commands(page)]
MENTIONED = [(page, command) for page in PAGES for command in mentions(page)]
_LACKS_ARGUMENTS = ("MissingParameter", "BadOptionUsage")


def parse(words: list[str]) -> None:
    """Parse a command line without running it; raise what the command line raises."""
    command: Any = typer.main.get_command(make_app())
    name = "charcnn"
    while hasattr(command, "commands") and words and not words[0].startswith("-"):
        name, command, words = f"{name} {words[0]}", command.commands[words[0]], words[1:]
    if words or not hasattr(command, "commands"):
        try:
            command.make_context(name, list(words))
        except typer.Exit:  # --version, --help
            return


def test_commands_are_found() -> None:
    assert len(TYPED) > 100
    assert len(MENTIONED) > 50
    assert {name_of(page) for page, _ in TYPED} >= {"README.md", "README.zh-CN.md", "docs/guides/lab.zh-CN.md"}


@pytest.mark.parametrize(("page", "command"), TYPED, ids=[f"{name_of(page)}: {text}" for page, text in TYPED])
def test_every_command_in_a_page_can_be_typed(page: Path, command: str) -> None:
    parse(words_of(command))


@pytest.mark.parametrize(("page", "command"), MENTIONED, ids=[f"{name_of(page)}: {text}" for page, text in MENTIONED])
def test_every_command_that_a_page_mentions_is_there(page: Path, command: str) -> None:
    try:
        parse(words_of(command))
    except typer.TyperException as fault:
        if type(fault).__name__ not in _LACKS_ARGUMENTS:
            raise


@pytest.mark.parametrize("words", ["trian", "train --optt adam", "train --opt adm", "models lst", "predict --top-k 0"])
def test_what_cannot_be_typed_is_noticed(words: str) -> None:
    with pytest.raises((typer.TyperException, KeyError)):
        parse(words.split())


@pytest.mark.parametrize("readme", READMES, ids=name_of)
def test_the_three_commands_stand_in_the_readmes(readme: Path) -> None:
    three = "charcnn augment ttest tttest\ncharcnn train --opt adam\ncharcnn predict --model latest\n"
    assert any(three in block.text for block in blocks(readme, "bash"))


def test_every_choice_is_named_in_its_guide() -> None:
    text = (ROOT / "docs/guides/networks-and-settings.md").read_text(encoding="utf-8")
    names = [*BUILT_IN, *OPTIMIZERS, *get_args(Loss), *get_args(Schedule), *get_args(Augmentation)]
    assert [name for name in names if f"`{name}`" not in text and f" {name}`" not in text] == []


def test_every_way_of_writing_is_named_in_its_guide() -> None:
    text = (ROOT / "docs/guides/train-without-images.md").read_text(encoding="utf-8")
    names = [*get_args(Neatness), *get_args(Pen), *get_args(Paper), *CHARSETS]
    assert [name for name in names if f"`{name}`" not in text] == []


def test_the_optimizers_are_those_that_a_config_may_name() -> None:
    assert get_args(Optimizer) == tuple(OPTIMIZERS)


def test_the_reference_shows_every_public_name_once() -> None:
    text = "".join(page.read_text(encoding="utf-8") for page in (ROOT / "docs/reference/python").glob("*.md"))
    shown = re.findall(r"^::: charcnn\.(\w+)$", text, re.MULTILINE)
    shown.remove("errors")  # all of its classes
    exceptions = [
        name for name in charcnn.__all__ if getattr(getattr(charcnn, name), "__module__", "") == errors.__name__
    ]
    assert sorted([*shown, *exceptions, "load", "__version__"]) == sorted(charcnn.__all__)
    assert [name for name in shown if not getattr(charcnn, name).__doc__] == []


def test_every_page_can_be_reached() -> None:
    settings = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    pages = [page.relative_to(ROOT / "docs").as_posix() for page in DOCS]
    assert [page for page in pages if f" {page}\n" not in settings] == []


@pytest.mark.parametrize("page", [page for page in PAGES if page not in DOCS], ids=name_of)
def test_files_that_a_page_outside_the_site_links_to_are_there(page: Path) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_a_package_index_gets_no_link_into_the_repository() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    shown = READMES[0].read_text(encoding="utf-8")
    for rule in project["tool"]["hatch"]["metadata"]["hooks"]["fancy-pypi-readme"]["substitutions"]:
        shown = re.sub(rule["pattern"], rule["replacement"], shown)
    assert re.findall(r"\]\((?!https?:|#)[^)]*\)|<img|<a ", shown) == []
    assert "charcnn train --opt adam" in shown
    assert "Documentation" in shown


DIFFS = blocks(ROOT / "CONTRIBUTING.md", "diff")


@pytest.mark.skipif(shutil.which("git") is None, reason="git applies the diffs")
@pytest.mark.parametrize("block", DIFFS, ids=lambda block: re.findall(r"^\+\+\+ b/(\S+)", block.text, re.MULTILINE)[0])
def test_the_diffs_that_show_how_to_add_something_apply(block: Block) -> None:
    command = ["git", "apply", "--check", "--unidiff-zero", "-"]
    done = subprocess.run(command, cwd=ROOT, input=block.text, capture_output=True, text=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr


def test_there_is_a_diff_for_each_thing_to_add() -> None:
    assert len(DIFFS) == 7


@pytest.mark.parametrize("page", DOCS, ids=name_of)
def test_examples_in_a_page_are_the_scripts(page: Path) -> None:
    filled = runpy.run_path(str(ROOT / "docs/reference/examples.py"))["filled"]
    assert filled(page) == page.read_text(encoding="utf-8"), "run: make reference"
