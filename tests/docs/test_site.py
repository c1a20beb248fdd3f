"""The pages as a site: built without a warning, and read without a network."""

import html
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import charcnn
from tests.support.pages import DOCS, ROOT

pytest.importorskip("mkdocs", reason="pip install -e '.[docs]' installs what builds the site")
pytestmark = pytest.mark.slow

_LOADED = re.compile(r"<(?:script|img|iframe|source)\b[^>]*\bsrc=\"([^\"]+)|<link\b[^>]*\bhref=\"([^\"]+)")
"""What a browser loads by itself, in contrast to a link that a person follows."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return folder


def test_every_page_is_there(site: Path) -> None:
    pages = [(site / page.relative_to(ROOT / "docs")).with_suffix(".html") for page in DOCS]
    assert [page for page in pages if not page.is_file()] == []


def test_opening_a_page_asks_no_other_server(site: Path) -> None:
    loaded = {
        address
        for page in site.rglob("*.html")
        for found in _LOADED.findall(page.read_text(encoding="utf-8"))
        for address in found
        if address
    }
    styles = {address for sheet in site.rglob("*.css") for address in re.findall(r"url\(([^)]*)", sheet.read_text())}
    assert len(loaded) > 5
    assert [address for address in loaded | styles if re.match(r"['\"]?(https?:)?//", address)] == []


def test_the_reference_has_the_documentation_of_the_code(site: Path) -> None:
    text = (site / "reference/python/reading.html").read_text(encoding="utf-8")
    first_line = (charcnn.Predictor.predict.__doc__ or "").partition("\n")[0]
    assert first_line.rstrip(".") in html.unescape(re.sub(r"<[^>]+>", "", text))
