"""A browser for each process of the suite, and pages opened in it with the checks at hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.browser.chromium import NAMES, VARIABLE, Chromium, Tab, found

CHECKS = Path(__file__).with_name("checks.js").read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def browser():
    program = found()
    if program is None:
        pytest.skip(f"no browser: none of {', '.join(NAMES)} is on the path, and {VARIABLE} names none")
    running = Chromium(program)
    yield running
    running.close()


@pytest.fixture
def opened(browser):
    """Opens a file: its tab, in which `checks` stands for checks.js. All tabs are closed after the test."""
    tabs = []

    def opening(path, width=1280, **how):
        tabs.append(Tab(browser, path, width, **how))
        tabs[-1].run(CHECKS + "; 0")
        return tabs[-1]

    yield opening
    for tab in tabs:
        tab.close()
