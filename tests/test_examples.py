"""The examples in the docstrings of the public API run, and the most important names have one."""

import doctest
import shutil
from operator import attrgetter
from pathlib import Path

import pytest

import charcnn
from charcnn.networks import catalogue

REQUIRED = [
    "Callback",
    "ImageSpec",
    "Predictor",
    "Predictor.load",
    "Predictor.predict",
    "Registry",
    "TrainConfig",
    "Version",
    "augment",
    "evaluate",
    "load_network",
    "plain_layers",
    "register_network",
    "resolve_config",
    "resume",
    "score",
    "synth",
    "train",
    "train_step",
]


def find_examples() -> dict[str, doctest.DocTest]:
    """Return the examples of all public names and their methods, by name.

    They run without the names of their module, so each must import what it uses, as in a script.
    """
    finder = doctest.DocTestFinder(exclude_empty=True)
    names = {getattr(charcnn, name): name for name in charcnn.__all__ if callable(getattr(charcnn, name))}
    found = [test for value, name in names.items() for test in finder.find(value, name, globs={"__name__": "__main__"})]
    return {test.name: test for test in found if test.examples}


EXAMPLES = find_examples()


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the dataset `abc` (3 × 40 images, 3 × 10 for testing) and the model `abc@1` trained on it."""
    folder = tmp_path_factory.mktemp("examples")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CHARCNN_CACHE", str(folder / ".cache"))
        patch.delenv("CHARCNN_REGISTRY", raising=False)
        patch.delenv("CHARCNN_DATA", raising=False)
        patch.chdir(folder)
        charcnn.synth("abc", per_class=40, test_per_class=10, size=28, style=charcnn.WritingStyle("neat"))
        charcnn.train(charcnn.TrainConfig(data=("abc/train",), epochs=20, batch_size=32, fit="stretch", val_split=0))
    return folder


def run_example(example: doctest.DocTest) -> str:
    """Run an example, and return the report of its failures."""
    report: list[str] = []
    doctest.DocTestRunner(verbose=False).run(example, out=report.append)
    return "".join(report)


@pytest.mark.parametrize("name", EXAMPLES)
def test_example_runs(template: Path, world: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    shutil.copytree(template, world, dirs_exist_ok=True)
    registered = dict(catalogue.networks())  # imports all built-in networks, which register themselves only once
    monkeypatch.setattr(catalogue, "_networks", registered)  # an example registers another one
    assert run_example(EXAMPLES[name]) == ""


@pytest.mark.parametrize("name", REQUIRED)
def test_important_names_have_an_example(name: str) -> None:
    docstring = attrgetter(name)(charcnn).__doc__
    assert "    Examples:\n" in docstring
    assert name in EXAMPLES


def test_wrong_example_is_reported() -> None:
    wrong = doctest.DocTestParser().get_doctest(">>> 1 + 1\n3\n", {}, "wrong", None, None)
    assert "Expected:\n    3\nGot:\n    2" in run_example(wrong)
