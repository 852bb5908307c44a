"""The page of a comparison: both diagrams in one frame, differences around 0, and colours with one meaning."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

import calibeval
from calibeval import Comparison, Predictions
from calibeval.core.report.report import Bin
from calibeval.render.page.comparison import fragment, render
from tests.render.test_comparison import ECE, Page, candidate, compared, part

BINS = (Bin(0.0, 0.5, 40, 0.4, 0.5, -0.1), Bin(0.5, 0.75, 0, None, None, None), Bin(0.75, 1.0, 60, 0.9, 0.7, 0.2))
OTHER = (Bin(0.0, 0.5, 40, 0.3, 0.25, 0.05), Bin(0.5, 0.75, 20, 0.6, 0.5, 0.1), Bin(0.75, 1.0, 40, 0.8, 0.75, 0.05))


def with_bins(comparison, base=BINS, other=OTHER):
    candidates = [replace(one, dump=replace(one.dump, bins=other)) for one in comparison.candidates]
    return replace(comparison, base=replace(comparison.base, bins=base), candidates=tuple(candidates))


def sampled(scale, k=3):
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(600, k))
    return Predictions(logits=scale * logits, labels=(2.0 * logits + rng.gumbel(size=logits.shape)).argmax(axis=1))


def places(page, role):
    return [(attrs["cx"], attrs["cy"]) for tag, attrs in page.tags if tag == "circle" and attrs.get("class") == role]


def test_both_diagrams_stand_in_one_frame():
    page = Page(render(with_bins(compared())))
    assert places(page, "first")[:2] == [("40%", "50%"), ("90%", "30%")]
    assert places(page, "second")[:3] == [("30%", "75%"), ("60%", "50%"), ("80%", "25%")]
    titles = re.findall(r"<title[^>]*>([^<]*)", render(with_bins(compared())))
    spoken = next(one for one in titles if one.startswith("candidate: 0.50"))
    assert "candidate: 0.50 – 0.75: 20 rows, confidence 60.0 %, accuracy 50.0 %, gap +10.0" in spoken


def test_the_numbers_of_the_diagram_are_a_table():
    text = re.sub(r"<[^>]*>", " ", render(with_bins(compared())))
    words = " ".join(text.split())
    assert "0.00 – 0.50 40 40 40.00 30.00 50.00 25.00 −10.00 +5.00" in words
    assert "0.50 – 0.75 0 20 – 60.00 – 50.00 – +10.00" in words


def test_without_bins_there_is_no_diagram_and_a_reason():
    text = render(compared())
    assert "The bins of both models are not in this file." in text
    assert "The numbers of the diagram" not in text
    assert places(Page(text), "first") == []


def test_better_and_worse_have_colours_of_their_own():
    text = render(with_bins(compared(candidate(slices=[part("day", holm=0.0001)]))))
    main = text[text.index("<main>") :]
    changed = main[main.index("What has changed?") : main.index("The numbers of the diagram")]
    assert 'class="whisker better"' in changed
    assert 'class="whisker worse"' in changed
    assert not re.search(r'class="[^"]*\b(over|under)\b', changed)
    both = main[main.index("The numbers of the diagram") :]
    assert not re.search(r'class="[^"]*\b(better|worse)\b', both)


def test_a_gap_that_came_closer_to_zero_is_as_green_as_what_is_better():
    rows = re.findall(r'<td class="words limits ([a-z]*)">([^<]*)', render(compared()))
    assert ("better", "closer to 0, certain") in rows
    assert ("better", "better, certain") in rows
    assert len({words for tone, words in rows if tone == "better"}) == 2


def test_a_dot_is_filled_where_a_difference_is_shown():
    one = candidate()
    open_ = replace(ECE, low=-0.3, high=0.1, p=0.5)
    page = render(with_bins(compared(replace(one, differences={"ece": open_, "oe": replace(ECE, name="oe")}))))
    assert len(re.findall(r'<circle class="better beyond"', page)) == 1
    assert len(re.findall(r'<circle class=""', page)) == 1
    assert "cannot tell" in page


def test_a_value_outside_its_interval_is_drawn_without_bias():
    odd = replace(ECE, low=-0.09, high=-0.08, corrected=-0.0871)
    page = Page(render(compared(replace(candidate(), differences={"ece": odd}))))
    ((x, _),) = [(attrs["cx"], 0) for tag, attrs in page.tags if tag == "circle"]
    reach = 9.0 * 1.1
    assert x == f"{round(100 * (-8.71 + 9.0 * 1.05) / reach, 2):.2f}%"


def test_several_candidates_have_a_table_first():
    text = render(with_bins(compared(candidate("a.npz"), candidate("b.npz"))))
    page = Page(text)
    words = " ".join("".join(page.words).split())
    assert "Calibration of 2 candidates against base.npz, by ECE: 2 better." in words
    links = [attrs["href"] for tag, attrs in page.tags if tag == "a"]
    ids = {attrs["id"] for _, attrs in page.tags if "id" in attrs}
    assert links == ["#c1", "#c2"]
    assert {link[1:] for link in links} <= ids
    assert "<details><summary>Diagrams and numbers" not in text


def test_many_candidates_are_folded():
    text = render(with_bins(compared(*(candidate(f"{i}.npz") for i in range(5)))))
    assert text.count("<details><summary>Diagrams and numbers") == 5


def test_ids_are_distinct_on_the_page_and_in_fragments():
    comparison = with_bins(compared(candidate("a.npz"), candidate("b.npz")))
    for text in (render(comparison), fragment(comparison) + fragment(with_bins(compared()))):
        ids = re.findall(r'\bid="([^"]*)"', text)
        assert len(ids) == len(set(ids))


@pytest.mark.parametrize("k", [2, 3])
def test_a_real_comparison(k):
    found = calibeval.compare(sampled(2.0, k), {"flat": sampled(0.3, k)})
    text = render(Comparison.from_json(found.to_json()))
    assert text == render(found)
    assert ("Share of class 1, %" in text) == (k == 2)
    assert ("Does it happen as often as they say?" in text) == (k == 2)
    assert ("Are they right as often as they say?" in text) == (k == 3)
    Page(text)
