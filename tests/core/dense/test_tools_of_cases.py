"""What tools print of cases: only of scores that are what they are said to be."""

from types import SimpleNamespace

import numpy as np
import pytest

from calibeval.core.dense.case import Case, Facts
from calibeval.core.dense.tools_of_cases import explain_cases
from calibeval.core.errors import InputError
from calibeval.core.evaluation.measured_cases import aligned
from tests.readers.cases.folders import image


def cases(scores, labels, kind="probs", **more):
    return SimpleNamespace(
        facts=Facts(("c0",), kind, **more),
        read=lambda number: Case("c0", scores, labels),  # noqa: ARG005 - of the protocol
        source=lambda found: SimpleNamespace(name="p"),  # noqa: ARG005 - of the protocol
    )


P, LABELS = image(0, (6, 7))


@pytest.mark.parametrize(
    ("scores", "told"),
    [
        (np.log(P) - 3.0, r"c0: pixel \(0, 0\) holds -.* so these are not probabilities \(42 rows of 42"),
        (P * 255.0, r"c0: pixel \(0, 0\) holds "),
        (P * 0.9, r"c0: pixel \(0, 0\) sums to 0.9, not to 1"),
        (P * 0.0, r"c0: pixel \(0, 0\) sums to 0, not to 1"),
        (np.where(np.arange(7) == 3, np.nan, P), r"c0: pixel \(0, 3\) holds nan"),
    ],
)
def test_scores_that_are_no_probabilities_are_refused(scores, told):
    with pytest.raises(InputError, match=told):
        explain_cases(cases(scores, LABELS))


def test_other_sums_may_be_divided():
    plain, divided = (
        explain_cases(cases(scores, LABELS), renormalize=one).images[0].numbers
        for scores, one in ((P, False), (P * 200.0, True))
    )
    assert {name: one.mean for name, one in divided.items()} == {
        name: pytest.approx(one.mean) for name, one in plain.items()
    }


@pytest.mark.parametrize(
    "labels", [np.zeros((4, 4, 4), int), np.add.outer(np.add.outer(*[np.arange(4) % 2] * 2), [0] * 4)]
)
def test_files_from_x_are_turned_also_where_both_orders_fit(labels):
    labels = (labels + labels.T) // 2  # equal to their transpose
    scores = np.random.default_rng(0).dirichlet(np.ones(3), labels.shape).transpose(3, 0, 1, 2)
    ours = Case("c", scores, labels, (1.0, 2.0, 3.0))
    turned = Case("c", scores.transpose(0, 3, 2, 1), labels.T, (3.0, 2.0, 1.0), from_x=True)
    found = aligned(turned, ours)
    np.testing.assert_array_equal(found.scores, scores)
    assert found.spacing == ours.spacing
    np.testing.assert_array_equal(aligned(turned, turned).scores, turned.scores)
    np.testing.assert_array_equal(aligned(ours, ours).scores, scores)
