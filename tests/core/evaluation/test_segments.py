"""The search for the worst segments of a dump: its columns, its limits, and what it finds in real tables."""

from __future__ import annotations

import numpy as np
import pytest

from calibeval import Predictions, Report, evaluate
from calibeval.core.errors import UsageError
from calibeval.core.report.segments import Condition
from calibeval.render.page.slices import plain_tables
from calibeval.words.segments import segment_table

N = 3000


def table(**more):
    """Over-confident by 0.2 where site is B and age is in its upper third; calibrated elsewhere."""
    rng = np.random.default_rng(5)
    columns = {
        "site": rng.choice(["A", "B", "C"], N),
        "age": rng.integers(18, 90, N),
        "night": rng.random(N) < 0.5,
        "visits": rng.integers(1, 4, N),
    }
    confidence = rng.uniform(0.55, 1, N)
    bad = (columns["site"] == "B") & (columns["age"] > np.quantile(columns["age"], 2 / 3))
    correct = rng.random(N) < confidence - 0.2 * bad
    return Predictions(confidence=confidence, correct=correct, columns={**columns, **more})


def search(predictions, word="auto", **settings):
    return evaluate(predictions, slices=[word], **settings).dumps[0].segments


def names(segment):
    return {one.column: one.value or (one.above, one.upto) for one in segment.conditions}


def test_the_worst_segment_is_the_one_that_was_made_worse():
    found = search(table())
    assert (found.columns, found.depth, found.draws) == (("site", "age", "night", "visits"), 2, 1000)
    worst = found.worst[0]
    assert names(worst) == {"site": "B", "age": (66.0, None)}
    assert worst.gap == pytest.approx(0.2, abs=0.06)
    assert worst.p < 0.002
    # 3 sites, 3 thirds of age, 2, 3 numbers of visits; pairs of them
    assert found.tested == 11 + 9 + 6 + 9 + 6 + 9 + 6 - len(found.small)
    assert found.small == ()
    assert len(found.worst) == 10
    assert found.beyond == sum(one.p < 0.05 for one in found.worst)


def test_segments_are_counted_as_their_conditions_say():
    predictions = table()
    for one in search(predictions, "auto:3").worst:
        rows = np.ones(N, bool)
        for condition in one.conditions:
            values = predictions.columns[condition.column]
            if condition.value is not None:
                rows &= values.astype(str) == condition.value
            rows &= values > condition.above if condition.above is not None else True
            rows &= values <= condition.upto if condition.upto is not None else True
        alone = predictions.select(rows)
        assert one.n == alone.n
        assert one.gap == pytest.approx(evaluate(alone)["confidence_gap"].value, abs=1e-12)


def test_depth_and_columns_can_be_chosen():
    found = search(table(), "auto:1:site,night")
    assert (found.columns, found.depth, found.tested) == (("site", "night"), 1, 5)
    assert search(table(), "auto:night,site").tested == 11


def test_a_search_is_the_same_block_by_block_and_for_any_number_of_threads():
    one = search(table())
    assert search(table(), max_memory=0) == one == search(table(), jobs=2)
    assert search(table(), seed=1).worst[0].sigma == one.worst[0].sigma
    assert search(table(), seed=1).critical != one.critical


def test_two_classes_speak_of_the_positive_one():
    rng = np.random.default_rng(2)
    p, site = rng.uniform(0, 1, N), rng.choice(["A", "B"], N)
    labels = rng.random(N) < np.where(site == "B", 0.7 * p, p)
    dump = Predictions(probs=p, labels=labels.astype(int), columns={"site": site})
    worst = search(dump).worst[0]
    inside = site == "B"
    assert names(worst) == {"site": "B"}
    assert worst.gap == pytest.approx((p - labels)[inside].mean(), abs=1e-12)
    other = search(dump, positive="0").worst[0]
    assert other.gap == pytest.approx(-worst.gap, abs=1e-12)


def test_columns_that_tell_the_outcome_are_left_out():
    plain = table()
    told = table(right=np.where(plain.labels, "yes", "no"), user=np.arange(N).astype(str), same=np.ones(N))
    found = search(told)
    assert {one.column: one.reason.split(", ")[0] for one in found.left_out} == {
        "right": "it tells the outcome",
        "user": "3,000 distinct values",
        "same": "all rows have the same value",
    }
    assert found.worst == search(plain).worst


def test_numbers_that_are_missing_are_a_part_of_their_own():
    ages = np.where(np.arange(N) % 5 == 0, np.nan, np.arange(N) * 1.0)
    found = search(table(age=ages), "auto:1:age")
    assert sorted((one.n for one in found.worst), reverse=True) == [800, 800, 800, 600]
    (missing,) = [one for one in found.worst if one.n == 600]
    assert missing.conditions == (Condition("age", "not a finite number"),)


def test_equal_numbers_stay_together():
    counts = np.repeat([0, 1, 2, 3, 4, 5, 6], [2400, 100, 100, 100, 100, 100, 100])
    found = search(table(count=counts), "auto:1:count")
    assert {(names(one)["count"], one.n) for one in found.worst} == {((None, 0.0), 2400), ((0.0, None), 600)}


def test_small_segments_are_listed_and_repeated_ones_are_not_tested_twice():
    town = np.where(np.arange(N) < 40, "Z", np.where(np.arange(N) % 2, "X", "Y"))
    found = search(table(town=town, region=np.where(town == "X", "north", "south")), "auto:2:town,region")
    assert next((one.conditions, one.n) for one in found.small) == ((Condition("town", "Z"),), 40)
    assert (found.tested, found.repeated) == (4, 3)  # X is all of the north; Y and Z are in the south only
    assert search(table(town=town), "auto:1:town", min_rows=40).small == ()


def test_weights_count_by_their_effective_number():
    rng = np.random.default_rng(0)
    weights = rng.choice([1.0, 4.0], N)
    dump = table(w=weights)
    found = evaluate(dump, slices=["auto:1:site"], weights="w").dumps[0].segments
    one = next(one for one in found.worst if names(one) == {"site": "B"})
    own, surplus = weights[dump.columns["site"] == "B"], dump.columns["site"] == "B"
    gaps = (np.asarray(dump.scores[0:N]).ravel() - dump.labels)[surplus]
    assert one.gap == pytest.approx(float((own * gaps).sum() / own.sum()))
    assert one.effective == pytest.approx(own.sum() ** 2 / (own @ own), rel=1e-6)
    assert "w" not in evaluate(dump, slices=["auto"], weights="w").dumps[0].segments.columns


def test_a_report_with_segments_is_read_back():
    report = evaluate(table(), slices=["auto:1", "site"], seed=4)
    assert Report.from_json(report.to_json()) == report
    assert report.settings.seed == 4
    assert {one.column for one in report.dumps[0].slices} == {"site"}
    assert "worst" in report.to_json()
    assert evaluate(table(), slices=["site"], seed=4).settings.seed is None


def test_a_column_called_auto_is_a_column():
    report = evaluate(table(auto=np.arange(N) % 2), slices=["auto"])
    assert report.dumps[0].segments is None
    assert {one.column for one in report.dumps[0].slices} == {"auto"}


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("auto:4", "4 columns cannot be combined; the depth is 1, 2 or 3"),
        ("auto:-1", "-1 columns cannot be combined"),
        ("auto:2:site,", "a name is missing"),
        ("auto:site,site", "a column is named twice"),
        ("auto:1:sitt", 'there is no column "sitt" \\(did you mean "site"\\?\\)'),
        ("auto:class", "no model is calibrated within a true class"),
    ],
)
def test_words_that_cannot_work(word, message):
    with pytest.raises(UsageError, match=message):
        search(table(), word)


def test_what_cannot_be_searched_says_so():
    with pytest.raises(UsageError, match='"user" cannot be searched: 3,000 distinct values, more than 30'):
        search(table(user=np.arange(N).astype(str)), "auto:user")
    with pytest.raises(UsageError, match=r"there is no column to search \(it has none\).*auto:1:predicted"):
        search(Predictions(probs=[0.2, 0.9], labels=[0, 1]))
    with pytest.raises(UsageError, match="these rows depend on each other"):
        evaluate(table(), slices=["auto"], group="age")
    with pytest.raises(UsageError, match="exclude each other"):
        evaluate(table(), slices=["auto:1", "auto:2"])
    many = {f"c{i}": np.random.default_rng(i).integers(0, 30, N).astype(str) for i in range(6)}
    with pytest.raises(UsageError, match="there are 13,680 segments of 6 columns, but at most 10,000"):
        search(Predictions(confidence=np.full(N, 0.9), correct=np.arange(N) % 10 > 0, columns=many))


def test_a_real_table_is_searched():
    """Breast cancer: a logistic regression of a third of the rows, searched by three columns."""
    datasets = pytest.importorskip("sklearn.datasets")
    linear = pytest.importorskip("sklearn.linear_model")
    data = datasets.load_breast_cancer()
    x = (data.data - data.data.mean(axis=0)) / data.data.std(axis=0)
    fitted = linear.LogisticRegression(C=100.0, max_iter=5000).fit(x[::3, :4], data.target[::3])
    test = np.arange(len(x)) % 3 > 0
    names_of = dict(zip(data.feature_names[10:13], data.data[test][:, 10:13].T, strict=True))
    dump = Predictions(probs=fitted.predict_proba(x[test][:, :4]), labels=data.target[test], columns=names_of)
    found = search(dump, min_rows=30)
    assert found.columns == tuple(names_of)
    assert 9 <= found.tested <= 36 - len(found.small) - found.repeated
    for one in found.worst:
        rows = np.ones(dump.n, bool)
        for condition in one.conditions:
            values = names_of[condition.column]
            rows &= (values > (condition.above or -np.inf)) & (values <= (condition.upto or np.inf))
        assert one.n == rows.sum() >= 30
        assert one.gap == pytest.approx((fitted.predict_proba(x[test][:, :4])[:, 1] - data.target[test])[rows].mean())


def test_a_colon_in_the_name_of_a_column_stays_in_the_title():
    report = evaluate(table(**{"ward: bed": np.arange(N) % 3}), slices=["auto:1:ward: bed"])
    (shown,) = plain_tables(report.dumps[0], report.settings)
    assert (shown.title, shown.said) == ("Segments by ward: bed", "1 of 3 segments miscalibrated beyond noise")
    assert segment_table(report.dumps[0]).heading == f"segments by ward: bed: {shown.said}"
