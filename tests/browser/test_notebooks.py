"""What notebooks show: readable in the theme of the notebook, whatever the system's, and without styles, too.

The hosts are made here: their marks of a theme, and rules of the specificity that notebooks have for what cells return.
"""

from __future__ import annotations

import pytest

from tests.browser.pages import record, written

RECORDS = ["one", "mapped", "several", "two classes", "compared", "failed", "trained"]
COLOURS = {"light": ("#fff", "#111", "#f5f5f5"), "dark": ("#111", "#fff", "#212121")}
JUPYTER = """
.cell {{ color: {1}; font-size: 14px; line-height: 1.6; }}
.cell table {{ color: {1}; font-size: 12px; table-layout: fixed; margin-left: auto; margin-right: auto; }}
.cell td, .cell th, .cell tr {{ vertical-align: middle; padding: .5em; line-height: normal; border: none; }}
.cell thead {{ border-bottom: 1px solid {1}; }}
:not(.text).cell td, :not(.text).cell th, :not(.text).cell tr {{ text-align: right; }}
.cell tbody tr:nth-child(odd) {{ background: {0}; }}
.cell tbody tr:nth-child(even) {{ background: {2}; }}
.cell tbody tr:hover {{ background: #e0f7fa; }}
.cell a:link {{ color: #1976d2; }}
.cell ul:not(.list-inline) {{ padding-left: 2em; }}
.cell h1, .cell h2, .cell p {{ margin: 1em 0; }}
"""
CODE = """
.cell table, .cell tr, .cell td, .cell th {{ border: none !important; text-align: right; }}
.cell thead {{ background-color: rgba(130, 130, 130, .16); }}
.cell tr:nth-child(even) {{ background-color: rgba(130, 130, 130, .08); }}
.cell td, .cell th {{ padding: 4px 8px; }}
"""
HOSTS = {
    "JupyterLab, light": ('<html><body data-jp-theme-light="true">', JUPYTER, "light"),
    "JupyterLab, dark": ('<html><body data-jp-theme-light="false">', JUPYTER, "dark"),
    "VS Code, light": ('<html><body class="vscode-light">', CODE, "light"),
    "VS Code, dark": ('<html><body class="vscode-dark">', CODE, "dark"),
    "VS Code, high contrast": ('<html><body class="vscode-high-contrast">', CODE, "dark"),
    "VS Code, high contrast, light": (
        '<html><body class="vscode-high-contrast vscode-high-contrast-light">',
        CODE,
        "light",
    ),
    "Colab, dark": ('<html theme="dark"><body>', "", "dark"),
    "documentation, dark": ('<html data-theme="dark"><body>', CODE, "dark"),
    "documentation, light": ('<html data-theme="light"><body>', CODE, "light"),
}


def cell(name, host, width=700):
    start, rules, theme = HOSTS[host]
    ground, ink, other = COLOURS[theme]
    style = f"body {{ background: {ground}; color: {ink}; }} {rules.format(ground, ink, other)}"
    style += f" @media screen {{ .cell {{ max-width: {width}px; }} }}"
    meta = '<meta charset="utf-8"><meta name="viewport" content="width=device-width">'
    html = record(name)._repr_html_()
    return written(f'<!DOCTYPE html>{meta}<style>{style}</style>{start}<div class="cell">{html}</div>', "cell.html")


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("name", ["one", "failed"])
def test_a_cell_has_the_theme_of_its_notebook(opened, name, host, dark):
    tab = opened(cell(name, host), dark=dark).unfolded()
    assert tab.run("checks.faint(4.5)") == []
    ground = tab.run("getComputedStyle(document.querySelector('div.calibeval')).backgroundColor")
    assert ground == {"light": "rgb(255, 255, 255)", "dark": "rgb(18, 21, 25)"}[HOSTS[host][2]]
    assert tab.run("document.querySelector('.calibeval-text').checkVisibility()") is False
    assert tab.complaints() == []
    assert tab.requests() == []


@pytest.mark.parametrize("host", ["JupyterLab, light", "VS Code, dark"])
@pytest.mark.parametrize("name", RECORDS)
@pytest.mark.parametrize("width", [360, 720])
def test_cells_fit_and_are_readable(opened, name, host, width):
    tab = opened(cell(name, host), width).unfolded()
    for check in ("sideways()", "overlapping()", "broken()", "faint(4.5)"):
        assert tab.run(f"checks.{check}") == [], check
    assert tab.run("document.querySelectorAll('script, button, [tabindex]').length") == 0


@pytest.mark.parametrize("name", RECORDS)
def test_a_cell_is_printed_on_white(opened, name):
    tab = opened(cell(name, "JupyterLab, light"), 680)
    tab.paint(media="print", dark=True)
    tab.resize(1000)
    assert tab.run("checks.faint(4.5)") == []
    assert tab.run("getComputedStyle(document.querySelector('div.calibeval')).backgroundColor") == "rgb(255, 255, 255)"


@pytest.mark.parametrize("name", RECORDS)
def test_where_styles_are_stripped_the_text_is_left(opened, name):
    tab = opened(cell(name, "documentation, light"))
    tab.run("document.querySelectorAll('style').forEach(one => one.remove())")
    tab.run("document.querySelectorAll('[class]').forEach(one => one.removeAttribute('class'))")
    assert tab.run("document.body.innerText.replace(/\\s+/g, ' ').trim()") == " ".join(str(record(name)).split())


def test_cells_of_one_notebook_do_not_share_ids(opened):
    text = "".join(record(name)._repr_html_() for name in RECORDS)
    tab = opened(written(f"<!DOCTYPE html><meta charset=utf-8>{text}", "cells.html"))
    assert (
        tab.run("(ids => ids.length - new Set(ids).size)([...document.querySelectorAll('[id]')].map(one => one.id))")
        == 0
    )
