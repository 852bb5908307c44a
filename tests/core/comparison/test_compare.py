"""Comparisons of dumps: every metric's difference, slices, JSON."""

import json
import math
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

import calibeval
from calibeval import Predictions, compare, evaluate
from calibeval.core.comparison.comparison import Comparison
from calibeval.core.data.predictions import Source
from calibeval.core.errors import InputError, UnknownMetric, UsageError
from tests.core.streams import Told
from tests.data import logits_and_labels
from tests.definitions import softmax


def models(n=2000, k=4, seed=0, scale=0.5, **more):
    """Over-confident logits, and the same ones scaled, as two dumps."""
    logits, labels = logits_and_labels(n, k, seed=seed)
    names = ("base.npz", "candidate.npz")
    return tuple(
        Predictions(logits=logits * factor, labels=labels, source=Source(name), **more)
        for factor, name in zip((1.0, scale), names, strict=True)
    )


def every(candidate):
    yield from candidate.differences.values()
    for part in candidate.slices:
        yield from part.differences.values()


NEVER = {
    "mce_all_bins": "a bin with few rows may decide the value",
}


@pytest.mark.parametrize("k", [2, 4])
def test_values_are_those_of_reports(k):
    base, candidate = models(k=k)
    found = compare(base, [candidate])
    reports = [evaluate(one, level=None) for one in (base, candidate)]
    assert list(found.candidates[0].differences) == list(reports[0].dumps[0].metrics)
    for name, difference in found.candidates[0].differences.items():
        assert (difference.base, difference.candidate) == tuple(report[name].value for report in reports)
        assert difference.difference == difference.candidate - difference.base
        if name in NEVER:
            assert (difference.low, difference.reason) == (None, NEVER[name])
            continue
        assert difference.low is not None
        assert difference.low <= difference.high
        assert 0 < difference.p <= 1
        assert difference.detectable > 0
        assert (difference.p < 0.05) == difference.excludes_zero


def test_means_by_hand():
    base, candidate = models(300)
    probs = [softmax(one.scores) for one in (base, candidate)]
    rows = np.arange(300)
    nll = -np.log(probs[1][rows, base.labels]) + np.log(probs[0][rows, base.labels])
    found = compare(base, [candidate])["nll"]
    error = nll.std(ddof=1) / math.sqrt(300)
    assert found.difference == pytest.approx(nll.mean())
    assert found.low == pytest.approx(nll.mean() - 1.959964 * error)
    assert found.high == pytest.approx(nll.mean() + 1.959964 * error)
    assert found.detectable == pytest.approx(2.8016 * error, rel=1e-4)


def test_scaled_logits_are_better_calibrated_and_as_often_right():
    found = compare(*((models()[0]), [models()[1]]))
    for name in ("ece", "aece", "oe", "nll", "brier", "cwce"):
        assert found[name].likely
        assert found[name].high < 0
    assert not found["accuracy"].likely
    assert found["accuracy"].difference == 0


def test_a_model_against_itself():
    base, _ = models(k=2)
    for difference in every(compare(base, [base]).candidates[0]):
        assert (difference.difference, difference.low, difference.high, difference.p) == (0, 0, 0, 1)


def test_models_that_differ_in_other_classes_only_are_not_the_same():
    """Confidences, losses and right answers agree row by row; what is said of the other classes does not."""
    right, wrong = [0.5, 0.375, 0.125], [0.5, 0.125, 0.375]
    labels = np.tile([0, 0, 0, 1, 2], 200)
    base = Predictions(probs=[right] * 1000, labels=labels)
    swapped = np.where((labels == 0)[:, None], wrong, right)
    found = compare(base, [Predictions(probs=swapped, labels=labels)])
    assert [found[name].difference for name in ("ece", "nll", "brier")] == [0, 0, 0]
    # Gaps of 1,000 rows. Class 0: 100 in both. Class 1: 175, and by bins 75 + 50. Class 2: 75, and by bins 225 + 150.
    assert found["cwce"].base == pytest.approx((0.1 + 0.175 + 0.075) / 3)
    assert found["cwce"].candidate == pytest.approx((0.1 + 0.125 + 0.375) / 3)
    assert found["cwce"].low < found["cwce"].difference < found["cwce"].high
    assert found["cwce"].p < 1


@pytest.mark.parametrize("name", ["mce", "cwce"])
def test_errors_that_may_depend_on_each_other_add_up(name):
    """At worst both values err towards each other at once: from the lower end of one to the upper end of the other."""
    base, candidate = models()
    ours, theirs = (evaluate(one)[name] for one in (base, candidate))
    from_report = compare(evaluate(base), [candidate])[name]
    for found in (from_report, *([compare(base, [candidate])[name]] if name == "mce" else [])):
        assert found.low == pytest.approx(theirs.low - ours.high, abs=1e-12)
        assert found.high == pytest.approx(theirs.high - ours.low, abs=1e-12)


def test_the_largest_gaps_are_compared_by_the_middles_of_their_intervals():
    """These are of bins of 30 rows and more, and need not hold the value, which may be that of a smaller bin."""
    base, candidate = models()
    ours, theirs = (evaluate(one)["mce"] for one in (base, candidate))
    middle = (theirs.low + theirs.high - ours.low - ours.high) / 2
    assert middle != pytest.approx(theirs.value - ours.value, abs=0.01)
    for found in (compare(base, [candidate])["mce"], compare(evaluate(base), [candidate])["mce"]):
        reach = middle - found.low if middle > 0 else found.high - middle
        assert found.p == pytest.approx(2 * norm.sf(norm.ppf(0.975) * abs(middle) / reach), rel=1e-6)


def test_rows_in_another_order_give_the_same_differences():
    logits, labels = logits_and_labels(500, 3)
    ids, order = np.arange(500), np.random.default_rng(1).permutation(500)
    base = Predictions(logits=logits, labels=labels, ids=ids)
    straight = Predictions(logits=logits * 0.6, labels=labels, ids=ids)
    mixed = Predictions(logits=(logits * 0.6)[order], labels=labels[order], ids=ids[order])
    one, other = compare(base, [straight]), compare(base, [mixed])
    assert one.candidates[0].paired_by == other.candidates[0].paired_by == "id"
    for name, difference in one.candidates[0].differences.items():
        for part in ("difference", "low", "high", "p"):
            expected = getattr(difference, part)
            if expected is None:
                assert (name, getattr(other[name], part)) == ("mce_all_bins", None)
            else:
                assert getattr(other[name], part) == pytest.approx(expected, rel=1e-6, abs=1e-10)


def test_several_candidates_and_jobs():
    base, candidate = models()
    found = compare(base, [candidate, base], jobs=2)
    assert found.candidates[0] == compare(base, [candidate]).candidates[0]
    with pytest.raises(UnknownMetric, match=r"has 2 candidates: use comparison\.candidates"):
        found["ece"]


def test_dumps_of_one_name_are_told_apart():
    logits, labels = logits_and_labels(50, 3)
    paths = ["old/dump.npz", "new/dump.npz", "new/dump.npz", "other.npz"]
    base, *others = (Predictions(logits=logits, labels=labels, source=Source(path, "test")) for path in paths)
    found = compare(base, others).with_distinct_names()
    assert found.base.name == "old/dump.npz#test"
    assert [one.name for one in found.candidates] == ["dump.npz#test (1)", "dump.npz#test (2)", "other.npz#test"]


def test_json_round_trip():
    site = np.tile(["day", "night"], 1000)
    base, candidate = models(columns={"site": site})
    found = compare(base, [candidate], slices=["site", "class"])
    text = found.to_json()
    assert Comparison.from_json(text) == found
    assert Comparison.from_json(text).to_json() == text
    document = json.loads(text)
    assert list(document) == ["schema", "version", "settings", "base", "candidates", "paired"]
    assert document["paired"] is True
    assert list(document["candidates"][0]["differences"]["ece"]) == [
        "base",
        "candidate",
        "difference",
        "low",
        "high",
        "p",
        "detectable",
        "p_holm",
        "reason",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        '{"schema": "calibeval.report/1"}',
        '{"schema": "calibeval.compare/1"}',
        '{"schema": "calibeval.comparison/2"}',
        '{"schema": NaN}',
    ],
)
def test_other_texts_are_no_comparisons(text):
    with pytest.raises(InputError, match=r"calibeval\.comparison/1"):
        Comparison.from_json(text)


def test_a_slice_is_a_comparison_of_its_rows():
    site = np.array(["day", "night", "dusk"])[np.random.default_rng(0).integers(0, 3, 2000)]
    site[:50] = "dawn"
    base, candidate = models(columns={"site": site})
    found = compare(base, [candidate], slices=["site"], min_rows=100)
    parts = {part.value: part for part in found.candidates[0].slices}
    assert set(parts) == {"day", "night", "dusk"}
    night = compare(*(one.select(site == "night") for one in (base,)), [candidate.select(site == "night")])
    for name, difference in night.candidates[0].differences.items():
        part = parts["night"].differences[name]
        if name == "temperature":
            assert (part.difference, part.p) == (difference.difference, None)
            continue
        assert (part.difference, part.low, part.high, part.p) == (
            difference.difference,
            difference.low,
            difference.high,
            difference.p,
        )
        if difference.p is None:
            assert (name, part.reason) == ("mce_all_bins", "a bin with few rows may decide the value")
            continue
        smallest = min(one.differences[name].p for one in parts.values())
        assert min(one.differences[name].p_holm for one in parts.values()) == pytest.approx(min(1, 3 * smallest))


def test_slices_follow_paired_ids():
    logits, labels = logits_and_labels(400, 3)
    ids, site = np.arange(400), np.repeat(["a", "b"], 200)
    order = np.random.default_rng(2).permutation(400)
    base = Predictions(logits=logits, labels=labels, ids=ids, columns={"site": site})
    candidate = Predictions(logits=logits[order], labels=labels[order], ids=ids[order])
    for part in compare(base, [candidate], slices=["site"]).candidates[0].slices:
        assert part.differences["nll"].difference == pytest.approx(0, abs=1e-12)
    swapped = compare(candidate, [base], slices=["site"]).candidates[0]
    assert [(part.value, part.n) for part in swapped.slices] == [("a", 200), ("b", 200)]
    assert all(part.differences["nll"].difference == pytest.approx(0, abs=1e-12) for part in swapped.slices)


def test_slices_by_label_do_not_judge_calibration():
    base, candidate = models()
    for part in compare(base, [candidate], slices=["class"]).candidates[0].slices:
        assert part.differences["ece"].low is None
        assert part.differences["ece"].reason.startswith("rows selected by their label are not calibrated")
        assert part.differences["nll"].low is not None


def test_ignored_rows_do_not_count():
    logits, labels = logits_and_labels(300, 3)
    noisy = labels.copy()
    noisy[::3] = 9
    site = np.tile(["a", "b"], 150)
    given = {"labels": noisy, "ignore_index": 9, "columns": {"site": site}}
    found = compare(Predictions(logits=logits, **given), [Predictions(logits=logits * 0.5, **given)], slices=["site"])
    kept = noisy != 9
    plain = compare(
        *(Predictions(logits=logits[kept], labels=labels[kept]),),
        [Predictions(logits=logits[kept] * 0.5, labels=labels[kept])],
    )
    assert {n: (d.difference, d.low) for n, d in found.candidates[0].differences.items()} == {
        n: (d.difference, d.low) for n, d in plain.candidates[0].differences.items()
    }
    assert sum(part.n for part in found.candidates[0].slices) in (200, 100)


def test_top_labels_give_what_they_can():
    base, candidate = models(ids=np.arange(2000))
    probs = softmax(candidate.scores)
    top = Predictions(
        confidence=probs.max(axis=1), correct=probs.argmax(axis=1) == candidate.labels, ids=np.arange(2000)
    )
    found, whole = compare(base, [top]), compare(base, [candidate])
    assert found["ece"].low == pytest.approx(whole["ece"].low, abs=1e-9)
    assert found["nll"].difference is None
    assert found["nll"].reason == (
        "candidate: needs the probability of every class, but this dump has the top label only"
    )


def test_probability_zero_for_a_label():
    base = Predictions(probs=[[1.0, 0.0], [0.4, 0.6]] * 20, labels=[1, 1] * 20)
    candidate = Predictions(probs=[[0.9, 0.1], [0.4, 0.6]] * 20, labels=[1, 1] * 20)
    nll = compare(base, [candidate])["nll"]
    assert (nll.base, nll.low) == (None, None)
    assert nll.candidate > 0
    assert nll.reason.startswith("base: infinite: the label has probability 0 in 20 rows")


def test_thin_bins_have_no_interval():
    base, candidate = models(30)
    ece = compare(base, [candidate])["ece"]
    assert ece.difference is not None
    assert (ece.low, ece.reason) == (None, "bins hold fewer than 5 rows on average")


def test_one_row():
    one = Predictions(probs=[[0.8, 0.2]], labels=[0])
    found = compare(one, [Predictions(probs=[[0.6, 0.4]], labels=[0])]).candidates[0].differences
    without = [name for name, difference in found.items() if difference.difference is None]
    assert without == ["mce", "temperature", "cox_slope", "cox_intercept"]
    for difference in found.values():
        assert difference.low is None
        assert difference.reason


@settings(max_examples=25, deadline=None)
@given(
    st.integers(0, 1000),
    st.integers(1, 400),
    st.sampled_from([2, 3, 8]),
    st.sampled_from([1, 4, 15]),
    st.sampled_from([0.9, 0.95]),
)
def test_every_number_is_finite_and_agrees(seed, n, k, bins, level):
    base, candidate = models(n, k, seed, 0.3)
    found = compare(base, [candidate], bins=bins, level=level)
    assert Comparison.from_json(found.to_json()) == found
    for difference in every(found.candidates[0]):
        if difference.low is None:
            assert difference.reason
        else:
            assert (difference.p < round(1 - level, 12)) == difference.excludes_zero


def test_binary_errors_of_either_class_agree():
    base, candidate = models(3000, 2)
    found = compare(base, [candidate])
    # The two classes mirror each other, so that the mean of their errors moves like the error of one.
    assert found["cwce"].low == pytest.approx(found["ece_positive"].low, abs=2e-3)
    assert found["cwce"].high == pytest.approx(found["ece_positive"].high, abs=2e-3)


def test_float32_probabilities_lie_in_the_bins_of_the_report():
    probs = np.tile(np.array([[0.8, 0.2], [0.6, 0.4]], np.float32), (50, 1))
    labels = np.tile([0, 0, 0, 1], 25)
    base = Predictions(probs=probs, labels=labels)
    sharper = Predictions(probs=np.tile(np.array([[0.9, 0.1], [0.6, 0.4]], np.float32), (50, 1)), labels=labels)
    double = [Predictions(probs=np.round(np.asarray(p.scores, float), 6), labels=labels) for p in (base, sharper)]
    one, other = compare(base, [sharper], bins=5)["ece"], compare(double[0], [double[1]], bins=5)["ece"]
    assert (one.low, one.high) == (pytest.approx(other.low, abs=1e-6), pytest.approx(other.high, abs=1e-6))


def grouped(n=2000, size=10, **more):
    """Models whose rows come in groups of copies: what a group holds is known once."""
    logits, labels = logits_and_labels(n // size, 4)
    logits, labels, video = (np.repeat(part, size, axis=0) for part in (logits, labels, np.arange(n // size)))
    given = {"labels": labels, "columns": {"video": video, **more}}
    return Predictions(logits=logits, **given), Predictions(logits=logits * 0.7, **given)


def test_groups_are_the_unit():
    base, candidate = grouped()
    by_rows, by_groups = compare(base, [candidate]), compare(base, [candidate], group="video")
    for name in ("confidence_gap", "ece", "aece", "oe", "cwce", "nll", "brier"):
        wide, narrow = (found[name].high - found[name].low for found in (by_groups, by_rows))
        assert wide > 2 * narrow
        assert by_groups[name].difference == by_rows[name].difference
        assert (by_groups[name].p < 0.05) == by_groups[name].excludes_zero
    assert by_groups["mce"].reason == "differences of this metric are not tested if only groups are independent"
    assert by_groups.candidates[0].groups.count == 200
    assert Comparison.from_json(by_groups.to_json()) == by_groups


def test_groups_of_the_candidate_follow_the_pairing():
    base, candidate = grouped()
    ids = np.arange(2000)
    order = np.random.default_rng(3).permutation(2000)
    plain = Predictions(logits=base.scores, labels=base.labels, ids=ids)
    mixed = Predictions(
        logits=candidate.scores[order],
        labels=candidate.labels[order],
        ids=ids[order],
        columns={"video": candidate.columns["video"][order]},
    )
    found, expected = compare(plain, [mixed], group="video"), compare(base, [candidate], group="video")
    assert found["nll"].high == pytest.approx(expected["nll"].high)
    assert found["ece"].high == pytest.approx(expected["ece"].high)


def test_few_groups_are_refused_and_some_more_warned_of():
    base, candidate = grouped(60, 10)
    found = compare(base, [candidate], group="video").candidates[0]
    told = {name: d.reason for name, d in found.differences.items()}
    assert told.pop("mce") == "no bin holds 30 rows"
    assert set(told.values()) == {"no interval: 6 groups are too few, at least 10 are needed"}
    some = compare(*(grouped(300, 10)[0],), [grouped(300, 10)[1]], group="video").candidates[0]
    assert some.warnings[-1].startswith('there are only 30 groups by "video"')


def test_groups_in_slices():
    base, candidate = grouped(site=np.tile(["a", "b"], 1000))
    parts = compare(base, [candidate], group="video", slices=["site"]).candidates[0].slices
    whole = compare(base, [candidate], slices=["site"]).candidates[0].slices
    for part, rows in zip(parts, whole, strict=True):
        widths = [one.differences["nll"].high - one.differences["nll"].low for one in (part, rows)]
        assert widths[0] > 1.5 * widths[1]


def test_pixels_of_an_image_are_a_group():
    rng = np.random.default_rng(5)
    logits, labels = rng.normal(size=(24, 3, 4, 4)), rng.integers(0, 3, (24, 4, 4))
    found = compare(Predictions(logits=logits, labels=labels), [Predictions(logits=logits * 0.5, labels=labels)])
    assert found.candidates[0].groups.column is None
    assert found.candidates[0].groups.count == 24


def test_an_unknown_group():
    base, candidate = models(100)
    with pytest.raises(UsageError, match='there is no column "video"'):
        compare(base, [candidate], group="video")


def test_unknown_metric():
    base, candidate = models(100)
    with pytest.raises(UnknownMetric, match=r'metric "eec" is unknown \(did you mean "ece"\?\)'):
        compare(base, [candidate])["eec"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"bins": 1001}, "bins is 1001, but a comparison can have at most 1000"),
        ({"bins": 0}, "bins is 0, but it must lie between 1 and 10000"),
        ({"level": 1.0}, "level is 1, but it must lie between 0 and 1"),
        ({"slices": ["sight"]}, r'there is no column "sight" \(did you mean "site"\?\)'),
        (
            {"slices": ["predicted"]},
            'a comparison has no slices by "predicted": predicted classes differ between models',
        ),
        ({"slices": ["row"]}, "has 1,500 distinct values, but slices need categories, at most 1,000"),
        ({"slices": ["pair"], "min_rows": 2}, "makes 750 slices of at least 2 rows, but at most 200 are compared"),
    ],
)
def test_settings_that_cannot_work(options, message):
    columns = {"site": np.tile(["a", "b"], 750), "row": np.arange(1500), "pair": np.arange(1500) // 2}
    base, candidate = models(1500, columns=columns)
    with pytest.raises(UsageError, match=message):
        compare(base, [candidate], **options)


def test_as_many_bins_values_and_slices_as_are_allowed():
    columns = {"row": np.arange(1000), "part": np.arange(1000) // 5}
    base, candidate = models(1000, columns=columns)
    assert compare(base, [candidate], bins=1000)["nll"].low is not None
    assert compare(base, [candidate], slices=["row"], min_rows=2).candidates[0].slices == ()
    parts = compare(base, [candidate], slices=["part"], min_rows=5).candidates[0].slices
    assert [part.n for part in parts] == [5] * 200


def test_without_candidates():
    with pytest.raises(UsageError, match="there is no candidate"):
        compare(models(10)[0], [])


def test_progress_is_told_of_every_dump():
    base, candidate = models(500)
    told = Told()
    compare(base, [candidate], progress=told)
    assert told.heard == [("base.npz", 500), 500, ("candidate.npz", 500), 500]


def test_it_is_exported():
    assert calibeval.compare is compare


def peak(base, candidates, slices):
    """Bytes that a comparison takes beside the dumps, at its peak."""
    tracemalloc.start()
    try:
        compare(base, candidates, slices=slices)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_memory_does_not_grow_with_candidates_and_slice_columns():
    n = 60_000
    columns = {name: np.arange(n) // turns % 5 for name, turns in (("site", 1), ("light", 7), ("lens", 31))}
    base, candidate = models(n, columns=columns)
    one = peak(base, [candidate], ["site"])
    assert peak(base, [candidate] * 3, list(columns)) < 1.02 * one
