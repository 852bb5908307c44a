"""Segmentations on the page: both kinds of numbers, regions with signed bars, hostile names."""

import re
from dataclasses import replace

import numpy as np
import pytest

from calibeval import Predictions, evaluate
from calibeval.render.page.images import images_view
from calibeval.render.page.page import render


@pytest.fixture(scope="module")
def report():
    rng = np.random.default_rng(3)
    p = rng.random((12, 14, 14))
    labels = (rng.random((12, 14, 14)) < 0.5 * p).astype(int)
    dump = Predictions(
        probs=np.stack([1 - p, p], axis=1),
        labels=labels,
        ids=["<b>bold</b>", *(f"case {i}" for i in range(11))],
        class_names=["rest", "organ"],
    )
    return evaluate(dump)


def test_the_page_has_both_kinds_of_numbers(report):
    page = render(report)
    assert "Image by image" in page
    assert "mean over images" in page
    assert "within 2 pixels of a boundary" in page
    assert "<b>bold" not in page


def test_bars_have_the_sign_of_their_gap(report):
    view = images_view(report.dumps[0])
    for row, region in zip(view.regions, report.dumps[0].per_image.regions, strict=True):
        assert (row.sign == "over") == ((region.gap or 0.0) > 0)
        assert re.fullmatch(r"[\d.]+%", row.width)
        assert row.pixels == f"{region.n:,}"


def test_every_number_is_shown_or_folded(report):
    view = images_view(report.dumps[0])
    assert {one.name for one in (*view.numbers, *view.others)} == set(report.dumps[0].per_image.numbers)
    assert [one.name for one in view.structures] == ["rest", "organ"]


def test_other_rows_have_no_section():
    plain = evaluate(Predictions(probs=[[0.8, 0.2], [0.3, 0.7]], labels=[0, 0]))
    assert images_view(plain.dumps[0]) is None
    assert "Image by image" not in render(plain)


def test_undefined_images_are_counted_where_there_are_any(report):
    assert "undefined in" not in render(report)
    block = report.dumps[0].per_image
    dice = replace(block.numbers["dice"], undefined=3)
    changed = replace(block, numbers={**block.numbers, "dice": dice})
    shown = render(replace(report, dumps=(replace(report.dumps[0], per_image=changed),)))
    assert shown.count("undefined in</th>") == 1
    assert '<td class="wide">3</td>' in shown
    assert "(no name)" not in shown
