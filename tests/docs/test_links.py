"""Every link inside the repository leads to a file that is there, and to a heading that is in it."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCUMENTS = [ROOT / "README.md", ROOT / "sample_data/README.md", *sorted((ROOT / "docs").rglob("*.md"))]
LINK = re.compile(r"\]\((?!https?://)(?P<path>[^)#\s]*)(?:#(?P<heading>[^)\s]+))?\)")


def prose(path):
    return re.sub(r"^```.*?^```", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)


def headings(path):
    """The anchors that a forge makes of the headings of a Markdown file."""
    titles = re.findall(r"^#+ (.+)$", prose(path), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(path):
    for link in LINK.finditer(prose(path)):
        target = (path.parent / link["path"]).resolve() if link["path"] else path
        assert target.exists(), f"{link[0]}: there is no such file"
        if link["heading"]:
            assert link["heading"] in headings(target), f"{link[0]}: there is no such heading"


def test_the_map_leads_to_every_page():
    index = ROOT / "docs/index.md"
    linked = {(index.parent / link["path"]).resolve() for link in LINK.finditer(prose(index)) if link["path"]}
    pages = {path for path in DOCUMENTS if path.is_relative_to(ROOT / "docs")} - {index}
    assert pages <= linked | {ROOT / "docs/benchmarks.md"}
