"""The pages of docs/reference are those that the code gives."""

import runpy
from pathlib import Path

REFERENCE = Path(__file__).parents[1] / "docs" / "reference"


def test_the_page_of_settings_is_up_to_date() -> None:
    made = runpy.run_path(str(REFERENCE / "settings.py"))["page"]()
    assert (REFERENCE / "settings.md").read_text(encoding="utf-8") == made, "run: make reference"
