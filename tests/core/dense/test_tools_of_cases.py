"""Cases as tools see them: their values are checked as those of a report."""

import numpy as np
import pytest

from calibeval import Predictions, conventions, evaluate
from calibeval.core.dense.case import OF_CASES, Case, Facts
from calibeval.core.dense.tools_of_cases import explain_cases
from calibeval.core.errors import InputError
from calibeval.core.evaluation.measured_cases import aligned
from tests.readers.cases.folders import image


class Few:
    """Cases in memory."""

    def __init__(self, cases, kind="probs", ignore_index=None):
        self.cases, self.facts = cases, Facts(tuple(one.name for one in cases), kind, ignore_index=ignore_index)

    def read(self, number):
        return self.cases[number]

    def source(self, found=()):
        del found
        return OF_CASES


P, MARKS = image(0, (5, 6))


@pytest.mark.parametrize(
    ("p", "said"),
    [
        (np.log(P), "in column 0, so these are not probabilities"),
        (P * 255, "so these are not probabilities"),
        (P * 0, "sums to 0, not to 1"),
        (P * 0.9, "sums to 0.9, not to 1 within"),
        (np.where(P.max(axis=0) == P, np.nan, P), "holds nan in column"),
    ],
)
def test_values_that_are_no_probabilities(p, said):
    with pytest.raises(InputError, match=r"^a: pixel \(0, 0\) ") as error:
        explain_cases(Few([Case("a", p, MARKS)]))
    assert said in str(error.value)


def test_sums_that_are_to_be_divided():
    found = explain_cases(Few([Case("a", P * 0.9, MARKS)]), renormalize=True)
    assert found.images[0].numbers["expected"].mean == pytest.approx(
        explain_cases(Few([Case("a", P, MARKS)])).images[0].numbers["expected"].mean
    )


@pytest.mark.parametrize("label", [-1, 3, 255])
def test_labels_that_no_class_has(label):
    marks = MARKS.astype(np.int16)
    marks[0, 1] = label
    with pytest.raises(InputError, match=f"^a: row 1: label {label}, but"):
        explain_cases(Few([Case("a", P, marks)]))


def test_the_same_as_of_one_array():
    own = [image(i, (5, 6)) for i in range(3)]
    p, marks = (np.stack(part) for part in zip(*own, strict=True))
    marks[1, 2] = 9
    p[1, :, 2] = np.nan  # where nobody labelled
    found = explain_cases(Few([Case(*one) for one in zip("abc", p, marks, strict=True)], ignore_index=9)).images
    twin = conventions(Predictions(probs=p, labels=marks, ignore_index=9)).images
    values = [[(name, one.mean) for name, one in tool.numbers.items()] for tool in (*found, *twin)]
    assert values[: len(found)] == values[len(found) :]


def test_a_case_without_labels():
    own = [Case("a", P, MARKS), Case("b", P, np.full_like(MARKS, 9))]
    found = explain_cases(Few(own, ignore_index=9))
    assert (found.facts.n, found.facts.ignored) == (30, 30)


@pytest.mark.parametrize("void", [-1, 256, 257])
def test_the_background_of_an_array_beside_any_ignored_label(void):
    p, marks = P[np.newaxis], MARKS[np.newaxis]
    for labels in (marks, marks.astype(np.int8)):
        report = evaluate(Predictions(probs=p, labels=labels, ignore_index=void), background="exclude-label").dumps[0]
        kept = MARKS != 0
        assert report.n == kept.sum()
        assert report.metrics["accuracy"].value == pytest.approx((P.argmax(axis=0) == MARKS)[kept].mean())


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
