"""Names as harmless text, also when they are shown twice."""

from __future__ import annotations

import numpy as np
import pytest

from calibeval import Predictions, evaluate
from calibeval.words.names import isolated, visible

HEBREW = "\u05d7\u05d9\u05d5\u05d1\u05d9"


def test_an_isolated_name_stays_what_it_is():
    assert isolated(HEBREW) == f"\u2068{HEBREW}\u2069"
    assert visible(isolated(HEBREW)) == isolated(HEBREW)
    assert visible(f"P({isolated(HEBREW)}) and {isolated(HEBREW)}") == f"P({isolated(HEBREW)}) and {isolated(HEBREW)}"


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("a\u2068b", "a\\u2068b"),
        ("a\u2069b", "a\\u2069b"),
        ("\u2069a\u2068", "\\u2069a\\u2068"),
        ("\u2068a\u2069\u2069", "\u2068a\u2069\\u2069"),
        ("\u2067a\u2069", "\\u2067a\\u2069"),
        ("\u2068\u202ea\u2069", "\u2068\\u202ea\u2069"),
    ],
)
def test_what_reorders_other_text_is_an_escape(name, shown):
    assert visible(name) == shown


def test_pages_and_tables_show_no_escapes_of_our_own():
    rng = np.random.default_rng(0)
    p = rng.random(400)
    probs, labels = np.column_stack([1 - p, p]), (rng.random(400) < p**3).astype(int)
    report = evaluate(Predictions(probs=probs, labels=labels, class_names=("no", HEBREW)))
    for text in (str(report), report._repr_html_()):
        assert HEBREW in text
        assert "\\u2068" not in text
        assert "\\u2069" not in text
