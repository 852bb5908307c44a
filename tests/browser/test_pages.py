"""What every page must be in a browser: quiet, alone, as wide as its window, readable, complete on paper.

The last part shows of every check that a page can fail it.
"""

from __future__ import annotations

import pytest

from tests.browser.pages import SAVED, page, written

WIDTHS = (360, 768, 1280)
A4 = 680  # pixels between the margins that the style sheet asks for: (210 - 2 x 15) mm at 96 to the inch
LEAST = 4.5  # https://www.w3.org/TR/WCAG22/#contrast-minimum

every_page = pytest.mark.parametrize("name", SAVED)


@every_page
@pytest.mark.parametrize("width", WIDTHS)
def test_pages_fit_their_window_quietly_and_alone(opened, name, width):
    tab = opened(page(name), width)
    for _ in range(2):
        assert tab.run("checks.sideways()") == []
        assert tab.run("checks.overlapping()") == []
        assert tab.run("checks.broken()") == []
        tab.unfolded()
    assert tab.complaints() == []
    assert tab.requests() == []


@every_page
@pytest.mark.parametrize("dark", [False, True])
def test_every_text_can_be_read(opened, name, dark):
    tab = opened(page(name), dark=dark).unfolded()
    assert tab.run("checks.texts().length") > 50
    assert tab.run(f"checks.faint({LEAST})") == []
    assert tab.run("matchMedia('(prefers-color-scheme: dark)').matches") == dark


@every_page
def test_pages_print(opened, name):
    tab = opened(page(name), A4)
    printed, sheets = tab.pdf()
    assert printed.startswith(b"%PDF-")
    assert 1 <= sheets <= 25
    tab.paint(media="print", dark=True)
    tab.resize(1000)
    assert tab.run("checks.sideways()") == []
    assert tab.run("checks.overlapping()") == []
    assert tab.run(f"checks.faint({LEAST})") == []
    assert tab.run("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"


@every_page
def test_the_numbers_of_every_diagram_are_in_a_table(opened, name):
    tab = opened(page(name))
    assert tab.run("checks.untabled()") == []
    tab.run("document.querySelectorAll('tbody tr').forEach(row => row.cells[1]?.replaceChildren('7'))")
    assert (tab.run("checks.untabled()") != []) == (tab.run("document.querySelectorAll('g[aria-label]').length") > 0)


@every_page
def test_pages_are_complete_without_scripts(opened, name):
    without = opened(page(name), scripts=False).unfolded()
    whole = opened(page(name)).unfolded()
    assert without.run("checks.shown()") == whole.run("checks.shown()") != ""
    affordances = "button, input, select, [tabindex], [onclick], [contenteditable]"
    assert without.run(f"document.querySelectorAll('{affordances}').length") == 0


@every_page
def test_the_keyboard_reaches_everything_in_order(opened, name):
    tab = opened(page(name))
    tab.run(
        "window.wanted = [...document.querySelectorAll('a[href], summary, button, [tabindex=\"0\"]')]"
        ".filter(one => one.checkVisibility({contentVisibilityAuto: true}))"
    )
    for i in range(tab.run("wanted.length")):
        tab.press("Tab")
        assert tab.run(f"document.activeElement === wanted[{i}]"), i
        assert tab.run("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    tab.press("Tab")
    assert tab.run("!wanted.includes(document.activeElement)")


OVERLAPPING = "<p>one</p><p style='margin-top: -2em'>two</p>"
DRAWN = "<svg width=200 height=50><rect fill='{}' width=200 height=50 /><text x=5 y=20 fill='#333'>a</text></svg>"


@pytest.mark.parametrize(
    ("check", "body"),
    [
        ("sideways()", "<div style='width: 400px'>wide</div>"),
        ("sideways()", "<p style='position: absolute; left: -20px'>to the left</p>"),
        ("sideways()", "<div style='overflow: auto'><div style='width: 500px'>scrolls</div></div>"),
        ("overlapping()", OVERLAPPING),
        ("overlapping()", "<svg><text x=10 y=20>136</text><text x=20 y=20>568</text></svg>"),
        ("broken()", "<p style='width: 30px; overflow-wrap: anywhere'>Premium</p>"),
        ("faint(4.5)", "<p style='color: #777'>grey</p>"),
        ("faint(4.5)", "<p style='opacity: .5'>faded</p>"),
        ("faint(4.5)", "<div style='background: #567'><p style='color: rgba(255, 255, 255, .7)'>on blue</p></div>"),
        ("faint(4.5)", DRAWN.format("#333")),
        ("faint(4.5)", DRAWN.format("url(#p)") + "<svg><pattern id=p><rect fill='#555' /></pattern></svg>"),
    ],
)
def test_the_checks_find_what_is_wrong(opened, check, body):
    tab = opened(written(f"<!DOCTYPE html><meta name=viewport content='width=device-width'>{body}"), 360)
    assert tab.run(f"checks.{check}") != []


@pytest.mark.parametrize(
    "body", ["<p>one</p><p style='color: #767676'>two</p>", DRAWN.format("#fff"), "<p>a long-hyphenated word</p>"]
)
def test_the_checks_find_nothing_where_all_is_well(opened, body):
    tab = opened(written(f"<!DOCTYPE html><meta name=viewport content='width=device-width'>{body}"), 360)
    for check in ("sideways()", "overlapping()", "broken()", "faint(4.5)"):
        assert tab.run(f"checks.{check}") == []


@pytest.mark.parametrize(
    "body",
    [
        "<script>console.log('x')</script>",
        "<script>throw new Error('x')</script>",
        "<p onclick='0'>a handler that the policy forbids</p>",
        "<p style='color: red'>a style that the policy forbids</p>",
    ],
)
def test_the_console_is_read(opened, body):
    policy = "" if "script" in body else "default-src 'none'"
    text = f'<meta http-equiv="Content-Security-Policy" content="{policy}"><meta charset="utf-8">{body}'
    assert opened(written(text)).complaints() != []


def test_requests_are_seen(opened):
    tab = opened(written("<link rel=icon href='data:,'><img src='nothing.png'>"))
    assert [url.rpartition("/")[2] for url in tab.requests()] == ["nothing.png"]


def test_sheets_are_counted(opened):
    breaks = "<p>one</p><p style='break-before: page'>two</p><p style='break-before: page'>three</p>"
    assert opened(written(breaks)).pdf()[1] == 3
