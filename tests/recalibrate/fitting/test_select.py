"""`method="auto"`: the table of methods, and the rule of one standard error by hand."""

from __future__ import annotations

import numpy as np
import pytest

from calibeval import Predictions
from calibeval.core.data.folds import deal
from calibeval.core.data.notices import reason
from calibeval.recalibrate.fitting.fit import fit
from calibeval.recalibrate.fitting.read_map import from_json
from calibeval.recalibrate.fitting.select import NOTHING_BETTER, _candidates, _table
from tests.data import logits_and_labels


def dump(n=203, k=4):
    logits, labels = logits_and_labels(n, k)
    return Predictions(logits=logits, labels=labels)


def test_the_table_and_its_json():
    found = fit(dump(), "auto")
    table = found.fitted.selection
    assert [row.method for row in table] == ["none", "temperature", "ets", "vector", "svs", "sms", "isotonic"]
    assert [row.method for row in table if row.chosen] == [found.method] == ["temperature"]
    assert min(row.excess for row in table) == 0
    assert from_json(found.to_json()) == found
    assert from_json(found.to_json()).to_json() == found.to_json()
    assert fit(dump(), "auto") == found


def test_two_classes_have_more_methods():
    rows = fit(dump(k=2), "auto").fitted.selection
    assert [row.method for row in rows] == [
        "none",
        "temperature",
        "ets",
        "platt",
        "beta",
        "quadratic",
        "spline",
        "vector",
        "svs",
        "sms",
        "isotonic",
    ]


def test_a_richer_map_is_chosen_where_it_is_needed():
    rng = np.random.default_rng(0)
    s = rng.normal(size=3000)
    labels = rng.random(3000) < 1 / (1 + np.exp(-s - 1.5))
    assert fit(Predictions(logits=s, labels=labels), "auto").method == "platt"


def test_excess_and_error_by_hand():
    p = dump(300, 3)
    row = fit(p, "auto").fitted.selection[1]
    folds = deal(p, 5, seed=0)
    logits = np.asarray(p.scores)
    losses = []
    for fold in range(5):
        here = folds == fold
        z = logits[here] / fit(p.select(~here)).temperature
        losses.append(np.log(np.exp(z).sum(axis=1)) - z[np.arange(len(z)), p.labels[here]])
    assert row.nll == pytest.approx(np.concatenate(losses).mean(), rel=1e-10)


NONE = np.zeros(4)


def chosen(groups=None, reasons=None, **losses):
    """The method that is chosen for such losses of single rows, and the rows of the table by name."""
    rows = {row.method: row for row in _table([*losses, *(reasons or {})], losses, reasons or {}, groups)}
    return next(row.method for row in rows.values() if row.chosen), rows


# The mean of 0, 0, 0 and 4 is 1; its standard error is the root of (1 + 1 + 1 + 9) / 3, over the root of 4, which is 1.
@pytest.mark.parametrize(("more", "method"), [(-0.01, "simple"), (0.0, "simple"), (0.01, "rich")])
def test_a_simple_map_may_be_worse_by_one_standard_error(more, method):
    found, rows = chosen(simple=np.array([0.0, 0.0, 0.0, 4.0]) + more, rich=NONE)
    assert found == method
    assert (rows["simple"].excess, rows["simple"].standard_error) == pytest.approx((1.0 + more, 1.0))
    assert (rows["rich"].excess, rows["rich"].standard_error) == (0.0, 0.0)


def test_the_simplest_of_those_within_one_standard_error_is_chosen_and_only_it():
    near = np.array([0.0, 0.0, 0.0, 4.0])
    found, rows = chosen(far=near + 0.5, near=near, nearer=near / 2, best=NONE)
    assert found == "near"
    assert [row.chosen for row in rows.values()] == [False, True, False, False]


def test_groups_are_what_the_standard_error_counts():
    # Four groups of two rows, of which the last one holds all the excess: 0, 0, 0 and 8 in 8 rows, so 1 and 1 again.
    losses, groups = np.array([0.0] * 6 + [4.0] * 2), np.repeat(np.arange(4), 2)
    _, rows = chosen(groups, simple=losses, rich=np.zeros(8))
    assert rows["simple"].standard_error == pytest.approx(1.0)
    assert chosen(groups, simple=losses + 0.01, rich=np.zeros(8))[0] == "rich"
    # Eight independent rows tell more: sqrt((6 x 1 + 2 x 9) / 7 / 8) is 0.65, so that an excess of 1 is too much.
    found, rows = chosen(simple=losses, rich=np.zeros(8))
    assert found == "rich"
    assert rows["simple"].standard_error == pytest.approx((24 / 7 / 8) ** 0.5)


def test_a_method_that_cannot_be_fitted_has_the_reason_and_is_not_chosen():
    found, rows = chosen(simple=NONE, reasons={"rich": reason("not_fitted", "too few rows")})
    assert found == "simple"
    assert (rows["rich"].nll, rows["rich"].reason, rows["rich"].chosen) == (None, "too few rows", False)


def calibrated(n=2000, k=3):
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(n, k)) * 2
    chances = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return Predictions(logits=logits, labels=(rng.random((n, 1)) > chances.cumsum(axis=1)).sum(axis=1).clip(0, k - 1))


def test_where_nothing_is_better_the_map_changes_nothing_and_says_so():
    p = calibrated()
    found = fit(p, "auto")
    table = {row.method: row for row in found.fitted.selection}
    assert (found.method, found.parameters(), table["none"].chosen) == ("none", {}, True)
    assert found.fitted.note == NOTHING_BETTER
    assert "the best map is not better than no map by more than one standard error" in NOTHING_BETTER
    assert table["none"].nll == pytest.approx(found.fitted.nll_before) == found.fitted.nll_after
    np.testing.assert_array_equal(found(p).scores[0:2000], p.scores[0:2000])
    assert from_json(found.to_json()) == found


def test_none_can_be_asked_for():
    found = fit(dump(), "none")
    assert (found.fitted.note, found.fitted.search, found.keeps_top) == ("this map changes nothing", None, True)


@pytest.mark.parametrize(("rows", "tried"), [(9, False), (10, True)])
def test_isotonic_is_left_out_with_the_reason_where_a_class_has_fewer_than_ten_rows(rows, tried):
    rng = np.random.default_rng(1)
    labels = np.repeat([0, 1, 2], [150, 140, rows])
    p = Predictions(logits=rng.normal(size=(len(labels), 3)) + 2 * np.eye(3)[labels], labels=labels)
    row = next(row for row in fit(p, "auto").fitted.selection if row.method == "isotonic")
    assert (row.nll is not None, row.reason is None) == (tried, tried)
    if not tried:
        assert row.reason.code == "few_rows_per_class"
        assert row.reason == (
            "isotonic fits each class by itself, but 1 of 3 classes has fewer than 10 rows (the fewest: 9 rows of 2)"
        )


@pytest.mark.parametrize(
    ("rows", "k", "code"), [(300, 101, "many_classes"), (29, 3, "few_rows_per_class"), (30, 3, None)]
)
def test_a_matrix_is_left_out_with_the_reason(rows, k, code):
    """Of the candidates, so that nothing is fitted for that."""
    labels = np.arange(rows) % k
    tried, left_out = _candidates(Predictions(logits=np.eye(k)[labels], labels=labels))
    assert ("sms" in tried, left_out["sms"].code if "sms" in left_out else None) == (code is None, code)
