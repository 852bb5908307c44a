"""Damaged JSON documents of every kind: each is read, and can then be written, or refused with an InputError."""

from __future__ import annotations

import contextlib
import copy
import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calibeval import Predictions, Report, evaluate, fit, gate
from calibeval.core.comparison.comparison import Comparison
from calibeval.core.errors import InputError
from calibeval.core.gating.from_json import verdict_from_json
from calibeval.core.gating.rules import Rule
from calibeval.core.heads.facts import HeadFacts
from calibeval.core.heads.results import Finetuned
from calibeval.recalibrate.fitting.methods import METHODS
from calibeval.recalibrate.fitting.read_map import from_json
from tests.data import logits_and_labels
from tests.records import Filling

FULL = Filling()
RAW = ("1e999", "-1e999", "NaN", "Infinity", "1" * 400, "-" + "9" * 400, "1" * 5000, "1e-400", "[" * 2000, '"\\ud800"')
VALUES = (None, True, False, 0, 1, -1, 2**63, 2**70, 0.5, -0.0, 1e308, "", "x", "nll", "é\x00", "k" * 5000, [], {})


def maps():
    logits, labels = logits_and_labels(60, 2)
    dump = Predictions(logits=logits, labels=labels, class_names=("a", "b"))
    found = [fit(dump, method, clip=None if method == "temperature" else 1e-6) for method in METHODS]
    chosen = fit(dump, "auto")
    return [(made.to_json(), from_json) for made in (*found, replace(chosen, fitted=replace(chosen.fitted, note="x")))]


def documents():
    logits, labels = logits_and_labels(60, 3)
    report = evaluate(Predictions(logits=logits, labels=labels), bins=3)
    rules = [Rule("ece", "max", 0.1), Rule("nll", "max", 1.0, slice="worst:class")]
    verdict = gate(Predictions(logits=logits, labels=labels), rules)
    return [
        (verdict.to_json(), verdict_from_json),
        (report.to_json(), Report.from_json),
        *(
            (FULL.record(kind, **facts).to_json(), kind.from_json)
            for kind, facts in ((Report, {}), (Comparison, {}), (Finetuned, {"chosen": 0}), (HeadFacts, {}))
        ),
        *maps(),
    ]


DOCUMENTS = documents()


def places(value, path=()):
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield from places(inner, (*path, key))


def raw(text):
    """A value that is written as that text, which may be no JSON."""
    return f"RAW{RAW.index(text)}RAW"


def damaged(document, draw):
    """The text of a document after one change."""
    document = [copy.deepcopy(document)]
    *above, last = draw(st.sampled_from([(0, *path) for path in places(document[0])]))
    parent = document
    for key in above:
        parent = parent[key]
    change = draw(st.sampled_from(["drop", "replace", "raw", "nest", "add", "swap"]))
    if change == "drop" and above:
        del parent[last]
    elif change == "nest":
        depth, whether = draw(st.integers(1, 200)), draw(st.booleans())
        for _ in range(depth):
            parent[last] = [parent[last]] if whether else {"x": parent[last]}
    elif change == "add" and isinstance(parent[last], dict):
        parent[last][draw(st.sampled_from(["name", "x", "value", "k" * 5000]))] = 1
    elif change == "swap":
        other = document
        for key in draw(st.sampled_from([(0, *path) for path in places(document[0])])):
            other = other[key]
        parent[last] = copy.deepcopy(other)
    else:
        parent[last] = draw(st.sampled_from(VALUES if change == "replace" else [raw(text) for text in RAW]))
    text = json.dumps(document[0])
    for i, one in enumerate(RAW):
        text = text.replace(f'"RAW{i}RAW"', one)
    return text


@pytest.mark.parametrize("place", range(len(DOCUMENTS)))
@given(data=st.data())
@settings(max_examples=150, deadline=None)
def test_damaged_values_are_read_or_refused(place, data):
    text, read = DOCUMENTS[place]
    changed = damaged(json.loads(text), data.draw)
    try:
        read(changed).to_json()
    except InputError as error:
        assert len(str(error)) < 500  # noqa: PT017 - either outcome is right, but no other exception


@pytest.mark.parametrize("place", range(len(DOCUMENTS)))
@given(data=st.data())
@settings(max_examples=100, deadline=None)
def test_damaged_bytes_are_read_or_refused(place, data):
    text, read = DOCUMENTS[place]
    content = bytearray(text.encode())
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(content) - 1))
        content[start : start + data.draw(st.integers(0, 20))] = data.draw(st.binary(max_size=3))
    with contextlib.suppress(InputError):
        read(bytes(content)).to_json()


def test_the_documents_are_right():
    for text, read in DOCUMENTS:
        assert read(text).to_json() == text
