"""The one script of a page: marks and rows answer to pointer, finger and keys, and tables sort as numbers sort."""

from __future__ import annotations

import re

import pytest

from calibeval.render.page.page import _file
from tests.browser.pages import SAVED, page, record, written

BOX = "document.querySelector('.answer')"
MARK = "[...document.querySelectorAll('svg g[tabindex]')].find(one => one.ariaLabel.includes('821 rows'))"
SAID = "0.60 – 0.67: 821 rows, confidence 63.4 %, accuracy 54.0 %, gap +9.4"


def middle(tab, element):
    tab.run(f"({element}).scrollIntoView({{block: 'center'}})")
    return tab.run(f"(box => [box.x + box.width / 2, box.y + box.height / 2])(({element}).getBoundingClientRect())")


def answered(tab):
    """The words in the box, which must be visible, inside the window, and readable; None where it is not shown."""
    if not tab.run(f"{BOX}.checkVisibility()"):
        return None
    assert tab.run(f"(box => box.left >= 0 && box.right <= innerWidth && box.top >= 0)({BOX}.getBoundingClientRect())")
    assert tab.run("checks.faint(4.5)") == []
    return tab.run(f"{BOX}.textContent")


@pytest.fixture(params=[False, True])
def tab(request, opened):
    return opened(page("one"), dark=request.param)


def test_a_bin_answers_to_the_pointer(tab):
    assert answered(tab) is None
    tab.point(*middle(tab, MARK))
    assert answered(tab).startswith(SAID)
    assert tab.run(f"{BOX}.getAttribute('role')") == "tooltip"
    tab.press("Escape")
    assert answered(tab) is None
    tab.point(*middle(tab, "document.querySelector('h1')"))
    tab.point(*middle(tab, MARK))
    assert answered(tab).startswith(SAID)
    tab.point(*middle(tab, "document.querySelector('h1')"))
    assert answered(tab) is None


def test_the_pointer_may_go_into_the_box(tab):
    tab.point(*middle(tab, MARK))
    said = answered(tab)
    tab.point(*tab.run(f"(box => [box.x + 5, box.y + 5])({BOX}.getBoundingClientRect())"))
    assert answered(tab) == said


def test_a_bin_answers_to_a_finger(opened):
    tab = opened(page("one"), 360, touch=True)
    tab.tap(*middle(tab, MARK))
    assert answered(tab).startswith(SAID)
    tab.tap(*middle(tab, "document.querySelector('h1')"))
    assert answered(tab) is None


def test_bins_answer_to_the_keyboard(tab):
    while tab.run("document.activeElement.tagName") != "g":
        tab.press("Tab")
    first = answered(tab)
    tab.press("ArrowRight")
    second = answered(tab)
    bins = [one for one in record("one").dumps[0].equal_width if one.count]
    assert [f"{bins[i].count} row" in text for i, text in enumerate((first, second))] == [True, True]
    tab.press("ArrowLeft")
    tab.press("ArrowLeft")
    assert answered(tab) == first
    tab.press("Escape")
    assert answered(tab) is None
    tab.press("Tab")
    assert tab.run("document.activeElement.closest('svg')") is None


def test_the_screen_reader_gets_what_the_box_shows(tab):
    marks = "[...document.querySelectorAll('svg g[tabindex]')]"
    assert tab.run(f"{marks}.every(one => one.role === 'img' && one.ariaLabel && !one.querySelector('title'))")
    assert tab.run(f"{marks}.every(one => one.ownerSVGElement.role === 'group')")


ROW = "[...document.querySelectorAll('tbody tr')].find(row => row.cells[0].innerText === '{}')"


@pytest.mark.parametrize("width", [360, 1280])
def test_a_slice_answers_also_with_what_the_window_is_too_narrow_for(opened, width):
    tab = opened(page("one"), width)
    tab.point(*middle(tab, ROW.format("J")))
    assert "accuracy % 71.18" in answered(tab)


@pytest.mark.parametrize(("width", "answers"), [(360, True), (1280, False)])
def test_a_row_of_which_all_is_seen_does_not_answer(opened, width, answers):
    tab = opened(page("one"), width).unfolded()
    tab.point(*middle(tab, ROW.format("0.60 – 0.67")))
    assert (answered(tab) is not None) == answers


@pytest.mark.parametrize("width", [360, 1280])
def test_a_class_answers(opened, width):
    tab = opened(page("one"), width)
    tab.point(*middle(tab, "[...document.querySelectorAll('tbody tr')].find(row => /Premium/.test(row.innerText))"))
    assert re.match(r"\s*Premium · rows 5,082 · .*gap \+0\.97$", answered(tab))


def column(tab, table, i):
    return tab.run(f"[...document.querySelectorAll('table')][{table}].tBodies[0].rows.length") and tab.run(
        f"[...[...document.querySelectorAll('table')][{table}].tBodies[0].rows].map(row => row.cells[{i}].textContent)"
    )


MIXED = [
    ("cat 10", "3,903", "−1.25", "81.1 %", "0.93–1.00", "< 0.001", "", "b"),
    ("cat 9", "12", "+0.5", "9 %", "0.07–0.13", "0.02", "4.5", "–"),
    ("bee", "1,200,000", "−10", "100 %", "0.80–0.87", "0.5", "12", "a"),
    ("dog", "–", "0", "–", "0.00–0.07", "–", "–", "c"),
]
ORDERS = [  # of rows, after one click and after two; a dash stays last
    ("bee, cat 9, cat 10, dog", "dog, cat 10, cat 9, bee"),
    ("bee, cat 10, cat 9, dog", "cat 9, cat 10, bee, dog"),
    ("cat 9, dog, cat 10, bee", "bee, cat 10, dog, cat 9"),
    ("bee, cat 10, cat 9, dog", "cat 9, cat 10, bee, dog"),
    ("cat 10, bee, cat 9, dog", "dog, cat 9, bee, cat 10"),
    ("bee, cat 9, cat 10, dog", "cat 10, cat 9, bee, dog"),
    ("bee, cat 10, cat 9, dog", "cat 9, cat 10, bee, dog"),
]


@pytest.fixture
def mixed(opened):
    rows = [
        "".join(f"<td{' data-sort=7' if not cell else ''}>{cell or '[1, 9]'}</td>" for cell in row) for row in MIXED
    ]
    heads = "".join(f"<th scope=col>head {i}</th>" for i in range(len(MIXED[0])))
    table = f"<table><thead><tr>{heads}</tr></thead><tbody>{''.join(f'<tr>{row}</tr>' for row in rows)}</tbody></table>"
    return opened(written(f"<!DOCTYPE html><meta charset=utf-8>{table}<script>{_file('page.js')}</script>"))


@pytest.mark.parametrize(("i", "orders"), list(enumerate(ORDERS)))
def test_columns_sort_by_their_values(mixed, i, orders):
    for order, word in zip(orders, ("ascending", "descending") if i == 0 else ("descending", "ascending"), strict=True):
        mixed.click(*middle(mixed, f"document.querySelectorAll('button')[{i}]"))
        assert ", ".join(column(mixed, 0, 0)) == order
        assert mixed.run("[...document.querySelectorAll('th')].map(one => one.ariaSort)")[i] == word
        assert mixed.run("document.querySelectorAll('[aria-sort]').length") == 1


def test_tables_sort_by_the_enter_key_and_the_page_stays_as_it_is(opened):
    tab = opened(page("one"), 360)
    before = column(tab, 1, 1)
    tab.run("document.querySelectorAll('table')[1].querySelectorAll('button')[1].focus()")
    tab.press("Enter")
    rows = [int(text.replace(",", "")) for text in column(tab, 1, 1)]
    assert rows == sorted(rows, reverse=True) != before
    tab.press(" ")
    assert column(tab, 1, 1) == [f"{one:,}" for one in sorted(rows)]
    assert tab.run("checks.sideways()") == []
    assert tab.complaints() == []


@pytest.mark.parametrize("name", SAVED)
def test_every_page_has_the_script(opened, name):
    tab = opened(page(name))
    assert tab.run("document.querySelectorAll('script').length") == 1
    assert tab.run("document.querySelectorAll('[tabindex]').length") > 0
    tab.run("document.querySelector('[tabindex]').focus()")
    assert tab.complaints() == []


def test_what_has_no_order_is_not_sorted(opened):
    """Numbers of several units in one column, and rows with a sentence below them."""
    tab = opened(page("one"))
    tab.unfolded()
    heads = tab.run(
        "[...document.querySelectorAll('table')].map(t => [t.innerText, t.querySelectorAll('button').length])"
    )
    assert {buttons for text, buttons in heads if "NLL" in text} == {0}
    assert sum(buttons > 0 for _, buttons in heads) >= 3
