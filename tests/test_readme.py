"""What the READMEs list is what there is."""

from pathlib import Path
from typing import get_args

import pytest

from charcnn.networks.built_in import BUILT_IN
from charcnn.specs.choices import Augmentation, Loss, Schedule
from charcnn.specs.optimizers import OPTIMIZERS, Optimizer

READMES = [Path(__file__).parents[1] / name for name in ("README.md", "README.zh-CN.md")]


@pytest.mark.parametrize("readme", READMES, ids=lambda path: path.name)
def test_every_choice_is_named(readme: Path) -> None:
    text = readme.read_text(encoding="utf-8")
    names = [*BUILT_IN, *OPTIMIZERS, *get_args(Loss), *get_args(Schedule), *get_args(Augmentation)]
    assert [name for name in names if name not in text] == []


def test_the_optimizers_are_those_that_a_config_may_name() -> None:
    assert get_args(Optimizer) == tuple(OPTIMIZERS)
