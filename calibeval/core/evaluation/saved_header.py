"""The header of saved sums, checked field by field before anything is made of it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, get_args

import numpy as np

from calibeval.core.data.class_names import LABELS_ARE
from calibeval.core.data.documents import Place
from calibeval.core.data.labels import MOST_CLASSES
from calibeval.core.data.notices import WarningCode
from calibeval.core.data.row_source import Kind
from calibeval.core.evaluation.batches import FARTHEST
from calibeval.core.evaluation.doubts import SUSPICIONS
from calibeval.core.evaluation.saved_totals import check_totals, list_of, within
from calibeval.core.metrics.table import EVERY
from calibeval.core.report.settings import LEAST_LEVEL, MOST_BINS, MOST_LEVEL

KINDS = get_args(Kind)


def check_header(header: Mapping[str, Any]) -> None:
    """Check the type and range of every field. Raises: Wrong naming the field, what it is and what is needed."""
    whole = Place(dict(header), "", "the header")
    _check_settings(whole["settings"])
    k = None if whole["k"].value is None else within(whole["k"], 1, MOST_CLASSES)
    names = whole["metrics"]
    if names.value is not None and not names.each(_metric):
        names.refuse("a list with at least one metric, or null,")
    _check_options(whole["options"], k)
    whole["exact"].truth()
    _check_rows(whole["rows"], k)
    within(whole["batches"], 0)
    dumps = whole.get("dumps")
    for _, name in () if dumps is None else dumps.items():
        name.text()
    _check_counts(whole["counts"], dense=whole["rows"]["dense"].truth())
    zeros = list_of(whole["zeros"], 2)
    within(zeros[0], 0, within(zeros[1], 0, whole["counts"]["n"].count()))
    uneven = whole["uneven"].truth()
    even, weighted = whole["even"], whole["rows"]["weights"].value is not None and not uneven
    if weighted and not 1.0 / FARTHEST <= even.number() <= FARTHEST:
        even.refuse("a weight from 1e-60 to 1e60")
    if not weighted and even.value is not None:
        even.refuse("null, since rows have no weights, or different ones,")
    check_totals(whole, k)
    sampled = whole.get("sampled")
    if sampled is not None and sampled.value is not None:
        rows, errors = list_of(sampled, 2)
        most = within(rows, 1, whole["counts"]["n"].count())
        if not 0.0 <= errors.number() <= most:
            errors.refuse(f"a number of rows, 0 to {most},")
    names = whole["groups"]
    if (names.value is not None) != whole["rows"]["grouped"].truth():
        names.refuse("a list if rows are grouped, else null,")
    if names.value is not None:
        names.each(_name)
        if whole["rows"]["dense"].truth() and whole["rows"]["group"].value is None:
            names.each(lambda one: within(one, 0, whole["counts"]["images"].count() - 1))
    whole["warnings"].each(_check_warning)
    doubts = whole.get("doubts")
    if doubts is not None:
        doubts.each(lambda one: _check_doubt(one, whole["counts"]["n"].count()))


def _check_settings(place: Place) -> None:
    """Positive and classes are texts, also of numbers."""
    within(place["bins"], 1, MOST_BINS)
    level = place["level"]
    if level.value is not None and not LEAST_LEVEL <= level.number() <= MOST_LEVEL:
        level.refuse("a level between 0 and 1, or null,")
    if place["positive"].value is not None:
        place["positive"].text()
    if place["classes"].value is not None:
        place["classes"].each(Place.text)


def _check_options(place: Place, k: int | None) -> None:
    _check_names(place["class_names"], k)
    if place["labels_are"].value is not None:
        place["labels_are"].one_of(LABELS_ARE)
    if place["ignore_index"].value is not None:
        place["ignore_index"].integer()
    place["renormalize"].truth()


def _check_rows(place: Place, k: int | None) -> None:
    kind = place["kind"].one_of(KINDS)
    if place["k"].value != k or (k is None) != (kind == "confidence"):
        place["k"].refuse(f"the number of classes of {kind}, as in k,")
    try:
        numbers = np.dtype(place["dtype"].text()).kind in "fiub"
    except TypeError:
        numbers = False
    if not numbers:
        place["dtype"].refuse("a type of numbers")
    if not 0.0 <= place["precision"].number() < 1.0:
        place["precision"].refuse("a relative step below 1")
    if place["one_column"].truth() and k != 2:
        place["one_column"].refuse("false without two classes")
    _check_names(place["class_names"], k)
    within(place["positive"], 0, max(1, (k or 2) - 1))
    place["classes"].each(lambda one: within(one, 0, (k or 1) - 1))
    for name in ("weights", "group"):
        if place[name].value is not None:
            place[name].text()
    dense, grouped = place["dense"].truth(), place["grouped"].truth()
    if grouped != (dense or place["group"].value is not None):
        place["grouped"].refuse("true for images and named groups only")


def _check_counts(place: Place, *, dense: bool) -> None:
    stored = within(place["stored"], 1)
    n = within(place["n"], 1, stored)
    within(place["zero"], 0, stored - n)
    images = within(place["images"], 0, stored)
    shapes = place["shapes"].each(lambda one: list_of(one, 3))
    row, image, size = 0, 0, 0
    for shape in shapes:
        sizes = shape[2].each(lambda one: within(one, 1, stored)) or shape[2].refuse("a list of sizes")
        first, number = within(shape[0], row, stored), within(shape[1], image, images)
        if first - row != (number - image) * size:
            shape[0].refuse("the first row of images of this shape")
        row, image, size = first, number, math.prod(sizes)
    if dense != bool(shapes) or (images - image) * size != (stored - row if dense else 0) or (images and not dense):
        place["images"].refuse(
            f"the number of images with {stored:,} rows" if dense else "0, since rows are no pixels,"
        )


def _check_warning(place: Place) -> None:
    items = place.each(lambda one: one)
    if len(items) == 2:
        items[0].text()
        if items[1].value is not None:
            items[1].one_of(get_args(WarningCode))
        return
    off, rows, low, high, decimals, asked = list_of(place, 6)
    within(off, 0, within(rows, 0))
    if not 0.0 <= low.number() <= high.number():
        low.refuse("at most the largest sum")
    if decimals.value is not None:
        within(decimals, 0, 20)
    if not asked.truth() and high.number() > 2.0:
        high.refuse("a sum near 1")


def _check_doubt(place: Place, n: int) -> None:
    text, code, rows = list_of(place, 3)
    text.text()
    code.one_of(SUSPICIONS)
    within(rows, 1, n)


def _check_names(place: Place, k: int | None) -> None:
    if place.value is not None and (len(place.each(Place.text)) != k and k is not None):
        place.fail(f"has {len(place.value)} names, but k is {k}")


def _metric(place: Place) -> None:
    if place.text() not in EVERY:
        place.refuse("the name of a metric")


def _name(place: Place) -> None:
    if not isinstance(place.value, str):
        place.number() if not isinstance(place.value, bool) else None
