"""Whatever names say, a page has the structure that it has with plain names, and stays as readable."""

from __future__ import annotations

from dataclasses import replace

import pytest

import calibeval
from calibeval.render.page.comparison import render as render_comparison
from calibeval.render.page.page import render
from tests.browser.pages import predictions, written
from tests.render.hand_made import HOSTILE, over_confident, report

NAMES = (
    *HOSTILE,
    "<script>console.log('a name runs')</script>",
    "</title></style></script></svg></main><h1>",
    '" onload="alert(1)" onfocus="alert(2)',
    "' tabindex='0",
    "{{ 7 * 7 }}{% raw %}",
    "&lt;b&gt;",
    "javascript:alert(1)",
    "<img src=http://example.org/x.png>",
    "<!-- a comment",
    "]]><svg onload=alert(1)>",
)
PLAIN = tuple(f"name {i}" for i in range(len(NAMES)))


def of_report(names, count):
    dumps = []
    for i in range(count):
        taken = [names[(7 * i + j) % len(names)] for j in range(12)]
        base = over_confident()
        source = replace(base.source, path=taken[0], split=taken[1], format=taken[2], sha256=taken[3])
        classes = tuple(replace(one, name=name) for one, name in zip(base.per_class, taken, strict=False))
        dumps.append(replace(base, name=taken[4], source=source, per_class=classes, warnings=tuple(taken[5:7])))
    return render(report(*dumps, convention=names[3]))


def of_comparison(names):
    base, other = (predictions(600, 3, sharper=sharper) for sharper in (1, 2))
    slices = {names[0]: [names[1 + i % 9] for i in range(base.n)]}
    dumps = [calibeval.Predictions(logits=one.scores, labels=one.labels, columns=slices) for one in (base, other)]
    return render_comparison(calibeval.compare(dumps[0], dumps[1], slices=[names[0]]))


def structure(tab):
    """The tree, without the elements that say where a long name may be broken."""
    return [one for one in tab.run("checks.tree()") if one.split()[1] != "WBR" and not one.endswith("SPAN class")]


@pytest.mark.parametrize("start", range(0, len(NAMES), 6))
@pytest.mark.parametrize("count", [1, 3])
def test_names_in_a_report_are_text(opened, count, start):
    hostile = opened(written(of_report(NAMES[start:] + NAMES[:start], count), "hostile.html"), 360)
    assert structure(hostile) == structure(opened(written(of_report(PLAIN, count), "plain.html"), 360))
    hostile.unfolded()
    assert hostile.run("checks.sideways()") == []
    assert hostile.run("checks.faint(4.5)") == []
    assert hostile.complaints() == []
    assert hostile.requests() == []


def test_names_in_a_comparison_are_text(opened):
    hostile = opened(written(of_comparison(NAMES[12:]), "hostile.html"), 360)
    assert structure(hostile) == structure(opened(written(of_comparison(PLAIN), "plain.html"), 360))
    hostile.unfolded()
    assert hostile.run("checks.sideways()") == []
    assert hostile.complaints() == []


def test_a_name_that_is_not_escaped_shows_in_the_structure(opened):
    pages = [f"<!DOCTYPE html><p>{name}</p>" for name in ("plain", "<b>bold</b>", "<script>alert</script>")]
    plain, *others = [structure(opened(written(text))) for text in pages]
    assert all(other != plain for other in others)


def test_a_script_that_is_not_ours_is_refused(opened):
    text = of_report(PLAIN, 1).replace("<h1>", "<script>window.ran = true</script><h1>", 1)
    tab = opened(written(text))
    assert tab.run("window.ran") is None
    assert any("Content Security Policy" in one or "contentSecurityPolicy" in one for one in tab.complaints())
