"""Segmentations on the page: both kinds of numbers, regions with signed bars, hostile names."""

import re
from dataclasses import replace

import numpy as np
import pytest

from calibeval import Predictions, evaluate
from calibeval.core.report.standing import noise_factor
from calibeval.core.report.views import first_view
from calibeval.core.uncertainty.consistency import consistency_range
from calibeval.render.drawing.content import Subject
from calibeval.render.drawing.legend import entries
from calibeval.render.drawing.marks import Box, Path
from calibeval.render.drawing.reliability import said, square
from calibeval.render.page.diagram import of_subject
from calibeval.render.page.images import images_view
from calibeval.render.page.page import render
from calibeval.render.page.tables import bin_rows


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


def test_ranges_of_pixels_are_those_of_images(report):
    (dump,) = report.dumps
    factor = noise_factor(first_view(dump))
    assert factor > 1.0
    subject = Subject.of_dump(dump)
    boxes = [one for one in square(subject) if isinstance(one, Box) and one.role == "range"]
    for box, b in zip(boxes, subject.filled, strict=True):
        alone = consistency_range(b.count, b.confidence)
        expected = consistency_range(max(1.0, b.count / factor**2), b.confidence)
        assert (box.y, box.y + box.height) == pytest.approx((expected.low, expected.high))
        assert box.height >= alone.high - alone.low
    assert not any(isinstance(one, Path) and one.role in ("ribbon", "edge") for one in square(subject))
    assert [row.expected for row in width_rows(dump)][-1] == f"{100 * boxes[-1].y:.1f} – {100 * expected.high:.1f}"


def test_too_few_images_have_no_ranges(report):
    few = replace(report.dumps[0], metrics={name: replace(one, floor=None) for name, one in report.dumps[0].items()})
    subject = Subject.of_dump(few)
    assert not any(one.role == "range" for one in square(subject) if isinstance(one, Box))
    assert [one.words for one in entries([subject])][-1] == "smooth curve"
    assert "95 % range if calibrated" not in [one.words for one in entries([subject])]
    assert "if calibrated" not in said(subject.filled[0], subject.terms, subject.noise)
    assert {row.expected for row in width_rows(few)} == {"–"}
    assert "Beyond noise" not in of_subject(subject).description
    assert "Beyond noise" in of_subject(Subject.of_dump(report.dumps[0])).description


def width_rows(dump):
    seen = first_view(dump)
    return [row for row in bin_rows(seen, seen.equal_width) if row.rows != "0"]
