"""A page and --full end with what made the numbers, where a report says it."""

from dataclasses import replace

import pytest
from rich.cells import cell_len

from calibeval.core.data.environment import Environment
from calibeval.core.report.report import Report
from calibeval.render.page.page import fragment, render
from calibeval.render.terminal.full import render_full
from tests.render.hand_made import HOSTILE, over_confident, report, without_breaks


def made(kernel):
    return replace(report(over_confident()), environment=Environment("0.1.0", "3.11.7", "2.4.6", ("report",), kernel))


@pytest.mark.parametrize("kernel", ["native", "numpy"])
def test_the_kernel_is_in_the_last_line(kernel):
    found = Report.from_json(made(kernel).to_json())
    assert render_full(found, width=80, color=False, ascii_only=True).endswith(f"\ncalibeval 0.1.0, {kernel} kernel\n")
    for make in (render, fragment):
        assert without_breaks(make(found)).count(f"<footer>calibeval 0.1.0, {kernel} kernel</footer>") == 1


def test_a_report_that_knows_no_kernel_names_none():
    for found in (report(over_confident()), made(None)):
        assert render_full(found, width=80, color=False, ascii_only=True).endswith("\ncalibeval 0.1.0\n")
        assert "<footer>calibeval 0.1.0</footer>" in without_breaks(render(found))


@pytest.mark.parametrize("kernel", HOSTILE)
def test_a_file_with_another_word_for_it_changes_no_structure(kernel):
    text = render_full(made(kernel), width=60, color=False, ascii_only=False)
    assert "\x1b" not in text
    assert max(map(cell_len, text.splitlines())) <= 60
    page = render(made(kernel))
    assert page.count("<footer>") == 1
    assert "<script>&_" not in page
