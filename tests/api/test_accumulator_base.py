"""`Accumulator.update(..., base=...)` and `compare()`: the differences that `calibeval.compare` gives of the rows."""

import re

import numpy as np
import pytest

import calibeval
from calibeval import Accumulator, InputError, Predictions, UsageError
from calibeval.core.sums.engine import chunk_rows

RNG = np.random.default_rng(12)
NUMBERS = ("base", "candidate", "difference", "low", "high", "p", "detectable")
WITHOUT = {"temperature", "cox_slope", "cox_intercept"}  # what sums of pairs do not give


def rows(n, k, scale=1.0):
    logits = 2.0 * RNG.normal(size=(n, k))
    labels = (logits + RNG.gumbel(size=(n, k))).argmax(axis=1)
    return scale * logits, scale * (1.4 * logits + 0.3 * RNG.normal(size=(n, k))), labels


def accumulated(logits, base, labels, sizes, **more):
    made = Accumulator(**more)
    for here in np.split(np.arange(len(labels)), np.cumsum(sizes)):
        made.update(logits=logits[here], labels=labels[here], base=base[here])
    return made


def check(found, wanted, without=WITHOUT, rel=1e-11):
    assert [*found.candidates[0].differences] == [*wanted.candidates[0].differences]
    for name, one in wanted.items():
        own = found[name]
        if name in without:
            assert own.low is None or own.low == pytest.approx(one.low)
            continue
        assert (name, own.reason, own.same) == (name, one.reason, one.same)
        for part in NUMBERS:
            one_number, own_number = getattr(one, part), getattr(own, part)
            if one_number is None or own_number is None:
                assert one_number is own_number, (name, part)
            else:
                assert own_number == pytest.approx(one_number, rel=rel, abs=1e-12), (name, part)


# Few rows, few errors (scores far apart), two classes, and more rows than a chunk of the engine has.
@pytest.mark.parametrize(
    ("n", "k", "scale"), [(60, 3, 1.0), (400, 3, 6.0), (700, 2, 1.0), (300, 2, 5.0), (900, 10, 1.0), (40_000, 4, 1.0)]
)
def test_differences_are_those_of_the_joined_rows(n, k, scale):
    logits, base, labels = rows(n, k, scale)
    found = accumulated(logits, base, labels, [n // 3, n // 5]).compare()
    wanted = calibeval.compare(Predictions(logits=base, labels=labels), Predictions(logits=logits, labels=labels))
    check(found, wanted)
    for one, other in ((found.base, wanted.base), (found.candidates[0].dump, wanted.candidates[0].dump)):
        assert (one.n, one.k, one.kind) == (other.n, other.k, other.kind)


def test_many_classes_have_no_difference_of_the_class_wise_error():
    logits, base, labels = rows(6000, 20)
    found = accumulated(logits, base, labels, []).compare()
    wanted = calibeval.compare(Predictions(logits=base, labels=labels), Predictions(logits=logits, labels=labels))
    check(found, wanted, WITHOUT | {"cwce"})
    assert wanted["cwce"].low is not None
    assert found["cwce"].low is None
    assert "sums of so many classes" in found["cwce"].reason
    for name, one in wanted.items():  # the test that is missing counts as one that found nothing
        assert one.p_holm is None or name == "cwce" or found[name].p_holm >= one.p_holm - 1e-12


@pytest.mark.parametrize("k", [2, 3])
def test_rows_of_chunks_that_batches_fill_only_together(k):
    n = 2 * chunk_rows(Predictions(logits=np.zeros((1, k)), labels=[0])) + 500
    logits, base, labels = rows(n, k)
    found = accumulated(logits, base, labels, [300, 40]).compare()
    check(found, calibeval.compare(Predictions(logits=base, labels=labels), Predictions(logits=logits, labels=labels)))


def test_batches_and_merges_do_not_matter(tmp_path):
    logits, base, labels = rows(1000, 3)
    whole = accumulated(logits, base, labels, []).compare()
    check(accumulated(logits, base, labels, [1, 7, 500]).compare(), whole, without=())
    parts = [accumulated(logits[here], base[here], labels[here], []) for here in (slice(0, 300), slice(300, 1000))]
    for i, part in enumerate(parts):
        part.save(tmp_path / f"{i}.sums", exact=True)
    loaded = Accumulator.load(tmp_path / "0.sums")
    loaded.update(logits=logits[300:600], labels=labels[300:600], base=base[300:600])
    loaded.update(logits=logits[600:], labels=labels[600:], base=base[600:])
    check(loaded.compare(), whole, without=())
    parts[0].merge(parts[1])
    check(parts[0].compare(), whole, without=())
    check(calibeval.compare(tmp_path / "0.sums", tmp_path / "1.sums"), whole, without=())
    empty = Accumulator()
    empty.merge(parts[0])
    check(empty.compare(), whole, without=())
    assert parts[0].report()["ece"].value == pytest.approx(
        calibeval.evaluate(logits=logits, labels=labels)["ece"].value
    )


def test_a_merged_accumulator_stays_as_it_is():
    logits, base, labels = rows(600, 3)
    one, other = (accumulated(logits[here], base[here], labels[here], []) for here in (slice(0, 200), slice(200, 600)))
    before = other.compare()
    one.merge(other)
    one.update(logits=logits[:100], labels=labels[:100], base=base[:100])
    assert other.compare() == before


def test_groups_rows_and_their_base():
    logits, base, labels = rows(2000, 3)
    groups = RNG.integers(0, 60, 2000)
    made = Accumulator()
    for here in (slice(0, 900), slice(900, 2000)):
        made.update(logits=logits[here], labels=labels[here], groups=groups[here], base=base[here])
    columns = {"site": groups}
    both = [Predictions(logits=one, labels=labels, columns=columns) for one in (base, logits)]
    found, wanted = made.compare(), calibeval.compare(*both, group="site")
    check(found, wanted)
    assert found.candidates[0].groups.count == wanted.candidates[0].groups.count


def test_the_same_scores_are_the_same_model():
    logits, _, labels = rows(500, 3)
    found = accumulated(logits, logits, labels, [100]).compare()
    assert [(one.low, one.high, one.p) for _, one in found.items() if one.difference is not None] == [
        (0.0, 0.0, 1.0)
    ] * sum(one.difference is not None for _, one in found.items())


def test_other_kinds_and_confidences():
    logits, base, labels = rows(800, 3)
    probs = np.exp(base) / np.exp(base).sum(axis=1, keepdims=True)
    made = Accumulator()
    made.update(logits=logits, labels=labels, base={"probs": probs})
    wanted = calibeval.compare(Predictions(probs=probs, labels=labels), Predictions(logits=logits, labels=labels))
    check(made.compare(), wanted)
    right = [one.argmax(axis=1) == labels for one in (probs, logits)]
    top = [probs.max(axis=1), np.clip(probs.max(axis=1) ** 2, 0.1, 1.0)]
    alone = Accumulator()
    alone.update(confidence=top[1], correct=right[1], base={"confidence": top[0], "correct": right[0]})
    both = [Predictions(confidence=p, correct=y, ids=np.arange(800)) for p, y in zip(top, right, strict=True)]
    check(alone.compare(), calibeval.compare(*both))


def test_level_metrics_and_ignored_rows():
    logits, base, labels = rows(700, 3)
    labels[::7] = -1
    made = Accumulator(ignore_index=-1, level=0.9)
    made.update(logits=logits, labels=labels, base=base)
    both = [Predictions(logits=one, labels=labels, ignore_index=-1) for one in (base, logits)]
    check(made.compare(), calibeval.compare(*both, level=0.9))
    check(made.compare(level=0.5, metrics="ece,nll"), calibeval.compare(*both, level=0.5, metrics="ece,nll"))
    assert made.compare().base.ignored == 100


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"base": None}, "batch 2: this batch has no base, but the batches before had one"),
        ({"base": np.zeros((4, 4))}, "base: batch 2: the scores have 4 classes, but those of the batches before had 3"),
        ({"base": np.zeros((3, 3))}, "base: batch 2: "),
        ({"base": {"probability": 1}}, 'base has a key "probability"'),
        ({"base": {"probs": np.full((4, 3), 1 / 3)}}, "probs came, but the batches before had logits"),
        ({"base": {"confidence": np.ones(4), "correct": np.ones(4)}}, "base has confidence and correct beside logits"),
        ({"weights": np.ones(4)}, "this batch has weights"),
    ],
)
def test_a_wrong_base_adds_nothing(change, message):
    logits, base, labels = rows(8, 3)
    made = accumulated(logits[:4], base[:4], labels[:4], [])
    batch = {"logits": logits[4:], "labels": labels[4:], "base": base[4:]} | change
    with pytest.raises((InputError, UsageError), match=re.escape(message)):
        made.update(**batch)
    made.update(logits=logits[4:], labels=labels[4:], base=base[4:])
    assert made.compare() == accumulated(logits, base, labels, [4]).compare()


def test_sums_without_small_cells_have_the_differences_of_means(tmp_path):
    logits, base, labels = rows(4000, 3)
    made = accumulated(logits, base, labels, [1000])
    whole = made.compare()
    made.save(tmp_path / "a.sums", min_cell=10)
    found = calibeval.compare(tmp_path / "a.sums")
    for name, one in whole.items():
        own = found[name]
        if name in ("accuracy", "confidence_gap", "nll", "brier"):
            ours, theirs = ([getattr(of, part) for part in NUMBERS] for of in (own, one))
            assert ours == pytest.approx(theirs, rel=1e-11), name
        elif name not in ("mce", "mce_all_bins", "temperature"):
            assert (name, own.low, own.reason.code) == (name, None, "rows_not_kept")
    assert "would speak of few rows" in found["ece"].reason
    members = np.load(tmp_path / "a.sums", allow_pickle=False)
    assert not {"joint.top", "joint.cells", "base.keys", "keys"} & {*members.files}
    for name in ("cells.count", "top.count", "base.top.count", "base.cells.count"):
        counts = members[name]
        assert (counts[counts > 0] >= 10).all()
    again = Accumulator.load(tmp_path / "a.sums")
    again.merge(accumulated(logits, base, labels, []))
    assert again.compare()["nll"].low > whole["nll"].low
    assert again.compare()["ece"].low is None


def test_few_rows_that_one_model_has_right_are_not_told(tmp_path):
    logits, base, labels = rows(4000, 3)
    base = logits.copy()
    base[:2000] *= 1.01
    base[:5] = -logits[:5]
    made = accumulated(logits, base, labels, [])
    with pytest.raises(InputError, match=r"[1-5] rows are right by .*, but no sum may be of fewer than 10"):
        made.save(tmp_path / "a.sums", min_cell=10)


def test_what_has_no_base_is_not_compared():
    logits, base, labels = rows(8, 3)
    made = Accumulator()
    with pytest.raises(UsageError, match="hold no base"):
        made.compare()
    made.update(logits=logits, labels=labels)
    with pytest.raises(UsageError, match="this batch has a base, but the batches before had none"):
        made.update(logits=logits, labels=labels, base=base)
    with pytest.raises(UsageError, match="the other has a base, the first has none"):
        made.merge(accumulated(logits, base, labels, []))
    with pytest.raises(UsageError, match="weights have no joint sums"):
        Accumulator().update(logits=logits, labels=labels, base=base, weights=np.arange(1, 9))
    with pytest.raises(UsageError, match="2 dumps, but 1 bases"):
        Accumulator.read(["a.npz", "b.npz"], base="c.npz")
