"""A registry of one's own."""

import os
from pathlib import Path

import pytest

from charcnn.registry.store import Registry


@pytest.fixture(autouse=True)
def patient_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing waits for the disk, which would take most of the time; how it is waited for, test_crashes looks at."""
    monkeypatch.setattr(os, "fsync", lambda _handle: None)


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    return Registry(tmp_path / "registry")
