"""An empty registry for each test."""

import os
from pathlib import Path

import pytest

from charcnn.registry.store import Registry


@pytest.fixture(autouse=True)
def patient_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Skip waiting for the disk, which takes most of the time. `test_crashes` covers it."""
    monkeypatch.setattr(os, "fsync", lambda _handle: None)


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    return Registry(tmp_path / "registry")
