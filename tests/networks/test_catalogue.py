"""Networks of one's own: registered by a decorator, their options checked by signature and type."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from torch import nn

from charcnn.errors import ConfigError, UnknownNetworkError
from charcnn.networks.built_in import BUILT_IN
from charcnn.networks.catalogue import get_network, networks, register_network


class Holding(nn.Module):
    """A network that holds its options."""

    def __init__(self, *options: object) -> None:
        super().__init__()
        self.held = options


@register_network("test-options", sizes=[28, 32], summary="for these tests")
def options_of_every_type(
    _classes: int,
    *,
    width: int = 8,
    rate: float = 0.5,
    is_deep: bool = False,
    pool: str = "max",
    depth: int | None = None,
) -> nn.Module:
    """Build a network that holds its options."""
    return Holding(width, rate, is_deep, pool, depth)


def test_a_registered_network_is_one_of_all() -> None:
    network = get_network("Test-Options")
    assert networks()["test-options"] is network
    assert (network.size, network.recipe, network.summary) == (28, "lab", "for these tests")
    assert network.own_options == {"width": 8, "rate": 0.5, "is_deep": False, "pool": "max"}
    assert network.options["depth"] is None


@pytest.mark.parametrize(
    ("given", "built"),
    [
        ({}, (8, 0.5, False, "max", None)),
        ({"width": 16, "rate": 1, "is_deep": True, "pool": "mean", "depth": 3}, (16, 1.0, True, "mean", 3)),
        ({"width": "16", "rate": "1e-3", "is_deep": "True", "pool": "007"}, (16, 0.001, True, "007", None)),
        ({"width": None, "depth": None}, (8, 0.5, False, "max", None)),
    ],
)
def test_options_become_the_types_of_their_parameters(given: dict[str, Any], built: tuple[object, ...]) -> None:
    network = get_network("test-options").build(3, given)
    assert isinstance(network, Holding)
    assert network.held == built
    assert [type(value) for value in network.held] == [type(value) for value in built]


@pytest.mark.parametrize(
    ("option", "value", "must_be"),
    [
        ("width", 8.5, "a whole number"),
        ("width", "many", "a whole number"),
        ("width", True, "a whole number"),
        ("rate", "high", "a number"),
        ("is_deep", 1, "true or false"),
        ("pool", 7, "a text"),
        ("depth", "deep", "a whole number"),
    ],
)
def test_a_value_of_another_type_is_refused(option: str, value: Any, must_be: str) -> None:
    with pytest.raises(ConfigError, match=f"{option} of the network test-options must be {must_be}") as fault:
        get_network("test-options").check_options({option: value})
    assert (fault.value.field, fault.value.value) == ("net_options", f"{option}={value}")


def test_an_unknown_option_offers_the_closest_and_settings_are_named_as_such() -> None:
    with pytest.raises(ConfigError, match="no option widht") as fault:
        get_network("test-options").check_options({"widht": 3})
    assert "Did you mean width?" in fault.value.hint
    with pytest.raises(ConfigError, match="no option dropout") as fault:
        get_network("test-options").check_options({"dropout": 0.3})
    assert (fault.value.field, fault.value.value) == ("dropout", 0.3)


@register_network("test-texts", sizes=[28])
def annotated_by_texts(_classes: "NotImported", *, width: "int | None" = 8) -> "NotImported":  # type: ignore[name-defined]  # noqa: F821
    """Build as a module does that postpones its annotations, and imports some for type checkers alone."""
    return Holding(width)


def test_annotations_may_be_texts_and_others_may_name_what_is_not_imported() -> None:
    assert get_network("test-texts").check_options({"width": "3"}) == {"width": 3}


def without_default(classes: int, *, width: int) -> nn.Module:
    return nn.Linear(width, classes)


def without_type(classes: int, *, width=8) -> nn.Module:  # type: ignore[no-untyped-def]
    return nn.Linear(width, classes)


def of_a_list(classes: int, *, widths: list[int] | None = None) -> nn.Module:
    return nn.Linear(len(widths or []), classes)


@pytest.mark.parametrize("builder", [without_default, without_type, of_a_list])
def test_a_builder_whose_options_cannot_be_given_is_refused(builder: Callable[..., nn.Module]) -> None:
    with pytest.raises(ConfigError, match=r"option widths? of the network test-refused"):
        register_network("test-refused", sizes=[28])(builder)
    with pytest.raises(UnknownNetworkError):
        get_network("test-refused")


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({"name": "Upper", "sizes": [28]}, "name"),
        ({"name": "a@1", "sizes": [28]}, "name"),
        ({"name": "test-refused", "sizes": []}, "sizes"),
        ({"name": "test-refused", "sizes": [28], "recipe": "none"}, "recipe"),
    ],
)
def test_what_cannot_be_registered_is_named(arguments: dict[str, Any], field: str) -> None:
    with pytest.raises(ConfigError) as fault:
        register_network(**arguments)
    assert fault.value.field == field


@pytest.mark.parametrize("name", ["cnn", "resnet18"])
def test_a_name_that_is_taken_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match="has a network of this name"):
        register_network(name, sizes=[28])(options_of_every_type)
    assert get_network(name).builder is not options_of_every_type


def test_a_function_may_be_registered_again() -> None:
    register_network("test-options", sizes=[28, 32], summary="for these tests")(options_of_every_type)


def test_a_broken_plugin_costs_a_warning_that_names_it(tmp_path: Path) -> None:
    info = tmp_path / "broken-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: broken\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[charcnn.networks]\nbroken-net = broken_networks\n")
    (tmp_path / "broken_networks.py").write_text("raise RuntimeError('the author left')\n")
    program = (
        "import logging; logging.basicConfig(format='%(message)s')\n"
        "from charcnn.networks.catalogue import get_network, networks\n"
        "get_network('cnn'); print('cnn is there')\n"
        "print(len(networks()))\n"
    )
    code = [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n{program}"]
    done = subprocess.run(code, capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[:2] == ["cnn is there", str(len(BUILT_IN))]
    assert done.stderr == "The network broken-net of broken_networks cannot be loaded: the author left\n"


def test_the_names_are_known_without_torch(tmp_path: Path) -> None:
    program = """
import sys
from charcnn.networks.built_in import network_names
print(*network_names(), "torch" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    names = done.stdout.split()
    assert {"cnn", "compact", "mobilenet_v3_small"} < set(names)
    assert names[-1] == "False"
