"""Values that are no probabilities: the message says what they seem to be, by the values, and what to do."""

from __future__ import annotations

import numpy as np
import pytest

from calibeval import Predictions, evaluate
from calibeval.core.data.check_values import bad_values_error
from calibeval.core.data.predictions import Source
from calibeval.core.errors import InputError

RNG = np.random.default_rng(3)
N, K = 60, 4
Z = RNG.normal(size=(N, K)) * 2
P = np.exp(Z) / np.exp(Z).sum(axis=1, keepdims=True)
SIGMOIDS = 1 / (1 + np.exp(-Z))
VOTES = np.array([RNG.multinomial(100, p) for p in P])
BYTES = np.rint(255 * P).astype(np.uint8)
LABELS = RNG.integers(0, 2, N)


def error_of(source=None, **given):
    outcome = "correct" if "confidence" in given else "labels"
    found = bad_values_error(Predictions(**given, **{outcome: LABELS}, source=source))
    assert found is not None
    assert len(str(found)) < 500
    return str(found)


CASES = [
    # what came, what the message says
    (
        {"probs": 100 * P},
        "These look like percentages: divide them by 100; --renormalize divides every row by its sum.",
    ),
    ({"probs": np.rint(100 * P)}, "These look like percentages: divide them by 100; "),
    ({"probs": 100 * P[:, 1]}, "These look like percentages: divide them by 100."),
    ({"confidence": 100 * P.max(axis=1)}, "These look like percentages: divide them by 100."),
    ({"probs": BYTES}, "These look like whole numbers from 0 to 255: divide them by 255; --renormalize divides "),
    ({"probs": BYTES[:, 1]}, "These look like whole numbers from 0 to 255: divide them by 255."),
    ({"confidence": BYTES.max(axis=1)}, "These look like whole numbers from 0 to 255: divide them by 255."),
    ({"probs": 3 * VOTES}, "These look like votes or counts, 300 in every row: --renormalize divides every row by "),
    ({"probs": SIGMOIDS}, "One-vs-rest or multi-label scores? --renormalize divides every row by its sum, as one-vs-"),
    ({"probs": np.round(SIGMOIDS, 2)}, "One-vs-rest or multi-label scores? --renormalize"),
    ({"probs": (SIGMOIDS > 0.5) * 1.0}, "One-vs-rest or multi-label scores? A row that sums to 0 cannot be divided"),
    ({"probs": np.log(P)}, "If they are logarithms of probabilities, use --kind log_probs."),
    ({"probs": Z}, "If they are logits, use --kind logits."),
    ({"probs": Z[:, 1]}, "If they are logits, use --kind logits."),
    ({"probs": 3 * P + 0.5}, "If they are logits, use --kind logits; if they are counts or weights, --renormalize "),
    ({"log_probs": P}, "If they are probabilities, use --kind probs."),
    ({"log_probs": Z}, "If they are logits, use --kind logits."),
    ({"log_probs": np.log2(P)}, "These are logarithms to base 2: multiply them by ln 2 = 0.693147180559945."),
    ({"log_probs": np.log10(P)}, "These are logarithms to base 10: multiply them by ln 10 = 2.30258509299405."),
]


@pytest.mark.parametrize(("given", "hint"), CASES)
def test_the_message_says_what_the_values_seem_to_be(given, hint):
    assert hint in error_of(Source("a.npz"), **given)


def test_in_python_it_names_keywords():
    assert "renormalize=True divides every row" in error_of(probs=SIGMOIDS)
    assert "pass them as logits=." in error_of(probs=Z)
    assert "pass them as log_probs=." in error_of(probs=np.log(P))
    for given, _ in CASES:
        assert "--" not in error_of(**given)


def test_logits_are_proposed_only_where_no_probability_has_such_values():
    for probs in (SIGMOIDS, 100 * P, BYTES, VOTES, np.log(P), 0.9 * P, np.round(SIGMOIDS, 1)):
        assert "logits" not in error_of(Source("a.npz"), probs=probs)


def test_a_few_wrong_rows_among_probabilities_are_not_taken_for_something_else():
    probs = P.copy()
    probs[7, :2] = 1.7, -0.7
    assert error_of(probs=probs).endswith("The other rows are probabilities: see what is wrong with these.")
    probs = P.copy()
    probs[7] *= 1.1
    assert error_of(probs=probs).endswith("renormalize=True divides every row by its sum, and counts these rows.")
    probs[7] = 0
    assert error_of(probs=probs).endswith("A row that sums to 0 cannot be divided by its sum.")


def test_the_remedies_work_on_these_very_values():
    for probs in (100 * P, BYTES, 3 * VOTES, SIGMOIDS):
        assert evaluate(probs=probs, labels=LABELS, renormalize=True, level=None)["ece"].value is not None
    for given in ({"log_probs": np.log(P)}, {"logits": Z}, {"probs": P}, {"log_probs": np.log2(P) * 0.693147180559945}):
        assert evaluate(**given, labels=LABELS, level=None)["ece"].value is not None


def test_a_row_that_cannot_be_divided_stays_an_error():
    for row, message in (
        ([0.0, 0, 0, 0], "row 5 sums to 0, .* A row that sums to 0 cannot be divided by its sum."),
        ([-0.5, 2, 0, 0], "row 5 holds -0.5 in column 0, .* renormalize=True divides non-negative numbers only."),
        ([np.inf, 1, 1, 1], "row 5 holds inf in column 0"),
        ([np.nan, 1, 1, 1], "row 5 holds nan in column 0"),
    ):
        probs = SIGMOIDS.copy()
        probs[5] = row
        with pytest.raises(InputError, match=message):
            evaluate(probs=probs, labels=LABELS, renormalize=True)
