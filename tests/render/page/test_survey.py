"""The page of a survey: what stands on it, its size, and that nothing foreign gets into it."""

import re
from dataclasses import replace

import numpy as np
import pytest

import calibeval
from calibeval.core.survey.axes import Axis
from calibeval.render.page.survey import render
from calibeval.words.survey import headline
from tests.data import logits_and_labels
from tests.render.page.test_page import Page


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """Two corruptions under three severities on the same rows, with a map of clean rows."""
    folder = tmp_path_factory.mktemp("survey")
    logits, labels = logits_and_labels(300, 3)
    np.savez(folder / "clean.npz", logits=logits * 3, labels=labels)
    for corruption in ("fog", "<i>blur</i>"):
        for severity in (1, 2, 3):
            noise = np.random.default_rng(severity).normal(size=logits.shape) * severity
            np.savez(
                folder / f"{corruption.replace('/', '_')}-{severity}.npz", logits=(logits + noise) * 3, labels=labels
            )
    return calibeval.survey(str(folder / "{corruption}-{severity}.npz"), fit_on=str(folder / "clean.npz"))


def test_the_page_says_the_sentence_and_shows_every_cell(found):
    page = Page(render(found))
    assert page.said("h1") == [" ".join(headline(found, "ece").split())]
    for part in ("Along severity", "ECE %, before the map", "ECE %, after it", "Reliability diagrams", "T*"):
        assert part in page.text
    for cell in found.cells:
        assert f"{100 * cell['ece'].value:.2f}" in page.text
        assert f"{100 * cell.after['ece'].value:.2f}" in page.text


def test_shades_follow_the_numbers_of_both_tables(found):
    shown = re.findall(r'class="shade(\d)"[^>]*>([\d.]+)</td>', render(found))
    assert len(shown) == 12
    least, most = (end(float(number) for _, number in shown) for end in (min, max))
    for shade, number in shown:
        assert int(shade) == pytest.approx(8 * (float(number) - least) / (most - least), abs=0.52)


def test_names_cannot_become_markup(found):
    text = render(found)
    assert "<i>" not in text
    assert "&lt;i&gt;blur" in text
    assert "style=" not in text
    assert "http://" not in text.replace("http://www.w3.org", "")


def test_two_hundred_cells_stay_below_two_megabytes(found):
    severities = tuple(range(1, 101))
    cells = tuple(
        replace(found.cells[i % 6], axes={"corruption": "ab"[i // 100], "severity": i % 100 + 1}) for i in range(200)
    )
    axes = (Axis("corruption", ("a", "b")), Axis("severity", severities))
    text = render(replace(found, axes=axes, cells=cells))
    assert len(text.encode()) < 2_000_000
    assert "The 24 worst of 200 cells by ECE." in text
    assert text.count("<figcaption>") == 24


def test_the_same_survey_gives_the_same_page(found):
    assert render(found) == render(calibeval.Survey.from_json(found.to_json()))
