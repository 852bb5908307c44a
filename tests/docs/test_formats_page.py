"""Whoever looks for the suffix of a file finds it."""

from __future__ import annotations

import pytest

from calibeval.readers.load import FORMATS
from tests.conftest import ROOT


@pytest.mark.parametrize("page", ["README.md", "docs/reference/inputs.md"])
@pytest.mark.parametrize("suffix", FORMATS)
def test_a_page_has_a_line_for_a_suffix(page, suffix):
    text = (ROOT / page).read_text(encoding="utf-8")
    (line,) = (row for row in text.splitlines() if row.startswith("|") and f"`{suffix.removesuffix('.gz')}`" in row)
    assert ("`.gz`" in line) == (f"{suffix.removesuffix('.gz')}.gz" in FORMATS)
