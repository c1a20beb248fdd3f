"""Aliases are rolled back step by step."""

import json

import pytest

from charcnn.errors import ModelError
from charcnn.registry.store import Registry
from tests.support.cards import publish


def moved(registry: Registry, *numbers: int) -> None:
    for number in numbers:
        registry.set_alias(registry.find(f"small@{number}"), "best")


def back(registry: Registry) -> int:
    return registry.roll_back_alias("small", "best").number


@pytest.fixture(autouse=True)
def _four_versions(registry: Registry) -> None:
    for _ in range(4):
        publish(registry)


def test_rollback_goes_back_one_version_at_a_time(registry: Registry) -> None:
    moved(registry, 1, 3, 2)
    assert [back(registry), back(registry)] == [3, 1]
    with pytest.raises(ModelError, match="no earlier version"):
        back(registry)
    assert registry.find("small@best").number == 1


def test_an_alias_set_after_a_rollback_goes_back_to_it(registry: Registry) -> None:
    moved(registry, 1, 2, 3)
    assert back(registry) == 2
    moved(registry, 4)
    assert [back(registry), back(registry)] == [2, 1]


def test_the_history_is_append_only(registry: Registry) -> None:
    def history() -> list[dict[str, object]]:
        found: list[dict[str, object]] = json.loads((registry.root / "small/index.json").read_text())["history"]
        return found

    moved(registry, 1, 2)
    before = history()
    back(registry)
    assert history()[:2] == before
    assert history()[2]["version"] == 1


def test_rollback_skips_removed_versions(registry: Registry) -> None:
    moved(registry, 1, 2, 3)
    registry.remove(registry.find("small@2"))
    assert back(registry) == 1


def test_a_removed_alias_can_be_rolled_back(registry: Registry) -> None:
    moved(registry, 1, 2)
    registry.remove_alias("small", "best")
    assert back(registry) == 2


def test_rollback_of_an_unknown_alias_is_refused(registry: Registry) -> None:
    with pytest.raises(ModelError, match="small@best has no earlier version"):
        back(registry)
