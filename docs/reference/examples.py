"""Put the scripts of examples/ into the pages that show them. `python docs/reference/examples.py`.

A page shows a script in a block of Python whose first line is a comment with its path.
"""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = sorted((ROOT / "docs").rglob("*.md"))
_BLOCK = re.compile(r"```python\n# (?P<path>examples/\w+\.py)\n.*?```", re.DOTALL)


def filled(page: Path) -> str:
    """Return the text of a page, its scripts as they are now."""
    return _BLOCK.sub(_block, page.read_text(encoding="utf-8"))


def _block(found: re.Match[str]) -> str:
    script = (ROOT / found["path"]).read_text(encoding="utf-8")
    return f"```python\n# {found['path']}\n{script}```"


if __name__ == "__main__":
    for page in PAGES:
        page.write_text(filled(page), encoding="utf-8")
