"""One pass against the plain definitions: every type, layout, size and block boundary; order, threads, memory."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calibeval import Predictions, evaluate
from calibeval.core.errors import InputError
from calibeval.core.sums import engine, rows
from calibeval.core.sums.engine import summarise
from calibeval.core.sums.resources import Resources
from calibeval.core.sums.sample import chosen, sample_size
from tests import definitions
from tests.core.streams import Told
from tests.data import from_logits, from_probs, logits_and_labels, values

KS = [2, 3, 10, 17, 49, rows.FEW_CLASSES, rows.FEW_CLASSES + 1, 1000]


def assert_same(found, expected, tolerance):
    assert set(found) == set(expected)
    for name, value in expected.items():
        if value is None:
            assert found[name] is None, name
        else:
            assert found[name] == pytest.approx(value, abs=tolerance, rel=tolerance), name


def with_log(probs):
    with np.errstate(divide="ignore"):
        return np.log(probs)


@pytest.mark.parametrize("k", KS)
@pytest.mark.parametrize("bins", [1, 2, 10, 15, 100])
def test_logits(k, bins):
    logits, labels = logits_and_labels(300, k)
    expected = definitions.metrics(definitions.softmax(logits), labels, bins=bins, order_by=logits)
    assert_same(from_logits(logits, labels, bins=bins), expected, 1e-9)


@pytest.mark.parametrize("k", KS)
@pytest.mark.parametrize("kind", ["probs", "log_probs"])
def test_probabilities_and_their_logarithms(k, kind):
    logits, labels = logits_and_labels(300, k)
    probs = definitions.softmax(logits)
    scores = probs if kind == "probs" else np.log(probs)
    found = values(Predictions(**{kind: scores}, labels=labels), bins=10)
    assert_same(found, definitions.metrics(probs, labels, bins=10), 1e-9)


@pytest.mark.parametrize("k", [2, 10, 49, 1000])
@pytest.mark.parametrize("dtype", ["f4", "f2", ">f4", ">f8", ">f2", "i1", "i4", ">i8", "u1"])
def test_stored_types_of_logits_give_the_numbers_of_their_float64_copy(k, dtype):
    logits, labels = logits_and_labels(200, k)
    stored = np.round(logits if dtype[-2] != "u" else np.abs(logits)).astype(dtype)
    if dtype[-2] == "f":
        stored = logits.astype(dtype)
    exact = stored.astype(np.float64)
    expected = definitions.metrics(definitions.softmax(exact), labels, order_by=exact)
    assert_same(from_logits(stored, labels), expected, 1e-9)


@pytest.mark.parametrize("k", [2, 10, 49, 100])
@pytest.mark.parametrize(("dtype", "tolerance"), [("f4", 1e-6), (">f4", 1e-6), ("f2", 2e-2)])
def test_stored_types_of_probabilities(k, dtype, tolerance):
    logits, labels = logits_and_labels(200, k, scale=1.0)
    probs = definitions.softmax(logits)
    stored = probs.astype(dtype)
    expected = definitions.metrics(stored.astype(np.float64), labels, dtype=np.dtype(dtype))
    found = from_probs(stored, labels)
    assert_same({**found, "nll": None}, {**expected, "nll": None}, 1e-9)
    assert found["ece"] == pytest.approx(definitions.metrics(probs, labels)["ece"], abs=max(tolerance, 1e-2))
    assert found["brier"] == pytest.approx(definitions.metrics(probs, labels)["brier"], abs=tolerance)


@pytest.mark.parametrize("k", [3, 49])
def test_float32_logits_are_the_metrics_of_float64_to_1e_6(k):
    logits, labels = logits_and_labels(500, k)
    expected = definitions.metrics(definitions.softmax(logits), labels, order_by=logits)
    assert_same(from_logits(logits.astype(np.float32), labels), expected, 1e-6)


def layouts(array, folder):
    np.save(folder / "rows.npy", array)
    np.save(folder / "columns.npy", np.asfortranarray(array))
    padded = np.zeros((2 * len(array), array.shape[1] + 3), array.dtype)
    padded[::2, 1:-2] = array
    return {
        "Fortran order": np.asfortranarray(array),
        "every second row of a wider array": padded[::2, 1:-2],
        "reversed": array[::-1].copy()[::-1],
        "read-only": np.frombuffer(array.tobytes(), array.dtype).reshape(array.shape),
        "memory map": np.load(folder / "rows.npy", mmap_mode="r"),
        "memory map in Fortran order": np.load(folder / "columns.npy", mmap_mode="r"),
        "list": array.tolist(),
    }


@pytest.mark.parametrize("k", [2, 10, 49])
def test_the_layout_in_memory_changes_nothing(k, tmp_path):
    logits, labels = logits_and_labels(400, k)
    contiguous = from_logits(logits, labels)
    for name, array in layouts(logits, tmp_path).items():
        assert from_logits(array, labels) == contiguous, name


@pytest.mark.parametrize("dtype", ["u1", "i1", "i2", ">i4", "i8", "u8", "f4", "f8"])
@pytest.mark.parametrize("k", [2, 49])
def test_types_of_labels_change_nothing(dtype, k):
    logits, labels = logits_and_labels(100, k)
    assert from_logits(logits, labels.astype(dtype)) == from_logits(logits, labels)


def boundary_sizes(k):
    block = max(1, rows.BLOCK_SCORES // k)
    chunk = max(1, min(engine.CHUNK_SCORES // k, engine.CHUNK_ROWS))
    return sorted({1, 2, 3, *(size + step for size in (block, chunk) for step in (-1, 0, 1))} - {0})


@pytest.mark.slow
def test_block_boundaries():
    k, sizes = 17, boundary_sizes(17)
    logits, labels = logits_and_labels(sizes[-1], k)
    probs = definitions.softmax(logits)
    for n in sizes:
        expected = definitions.metrics(probs[:n], labels[:n], bins=10)
        found = from_logits(logits[:n], labels[:n], bins=10)
        if sample_size(n, k) < n:  # then the temperature is that of a sample, to an error far below its own
            some = chosen(0, n, n, sample_size(n, k))
            temperature = definitions.temperature(probs[some], labels[some])
            assert found.pop("temperature") == pytest.approx(temperature, rel=1e-6)
            expected.pop("temperature")
        assert_same(found, expected, 1e-9)


@pytest.mark.parametrize("k", [2, 10, 49, 1000])
def test_block_boundaries_of_few_and_many_classes(k, monkeypatch):
    # The constants in use are proportional to these; the arithmetic at a boundary is the same.
    monkeypatch.setattr(rows, "BLOCK_SCORES", 40 * k)
    if k > 10:
        monkeypatch.setattr(engine, "CHUNK_SCORES", 100 * k)
    else:  # chunks of few classes are bounded by their rows
        monkeypatch.setattr(engine, "CHUNK_ROWS", 100)
    logits, labels = logits_and_labels(301, k)
    probs = definitions.softmax(logits)
    for n in (1, 2, 39, 40, 41, 99, 100, 101, 140, 141, 200, 300, 301):
        expected = definitions.metrics(probs[:n], labels[:n], bins=10)
        assert_same(from_logits(logits[:n], labels[:n], bins=10), expected, 1e-9)


@pytest.mark.parametrize("k", [2, 10, 17, 49])
def test_counts_add_up(k):
    logits, labels = logits_and_labels(777, k)
    sums = summarise(Predictions(logits=logits, labels=labels))
    assert sums.n == 777
    assert sums.top.count.sum() == sums.mass.count.sum() == 777
    assert sums.classes.count.sum(axis=1).tolist() == [777] * k
    assert sums.classes.y.sum(axis=1).tolist() == np.bincount(labels, minlength=k).tolist()
    assert sums.top.y.sum() == sums.mass.y.sum() == (logits.argmax(axis=1) == labels).sum()


@given(
    seed=st.integers(0, 2**32 - 1),
    n=st.integers(1, 60),
    k=st.sampled_from([2, 3, 5, 17, 150]),
    scale=st.sampled_from([0.0, 0.5, 3.0, 200.0]),
    whole=st.booleans(),
    bins=st.sampled_from([1, 2, 7, 10, 15, 100]),
)
def test_any_logits_against_the_definition(seed, n, k, scale, whole, bins):
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=(n, k)) * scale
    # Rows of the same whole numbers in another order tie but for the rounding of their sums; few terms round alike.
    logits = np.round(logits) if whole and k < 8 else logits
    labels = rng.integers(0, k, n)
    expected = definitions.metrics(definitions.softmax(logits), labels, bins=bins, order_by=logits)
    found = from_logits(logits, labels, bins=bins)
    for name in ("nll", "temperature", "cox_slope", "cox_intercept"):  # of probabilities that are rounded to 0
        expected.pop(name, None)
        found.pop(name, None)
    assert_same(found, expected, 1e-9)


@settings(max_examples=40)
@given(seed=st.integers(0, 2**32 - 1), n=st.integers(2, 300), k=st.sampled_from([2, 4, 30, 150]))
def test_the_order_of_rows_changes_no_metric(seed, n, k):
    logits, labels = logits_and_labels(n, k, seed=seed)
    order = np.random.default_rng(seed).permutation(n)
    one = evaluate(Predictions(logits=logits, labels=labels)).dumps[0]
    other = evaluate(Predictions(logits=logits[order], labels=labels[order])).dumps[0]
    for name, metric in one.metrics.items():
        expected = None if metric.value is None else pytest.approx(metric.value, abs=1e-12, rel=0)
        assert other.metrics[name].value == expected, name
    assert [b.count for b in one.equal_width] == [b.count for b in other.equal_width]
    assert [(b.lower, b.upper, b.count) for b in one.equal_mass] == [
        (b.lower, b.upper, b.count) for b in other.equal_mass
    ]


@pytest.mark.parametrize("k", [2, 10, 100, 200])
def test_a_large_dump_in_another_order(k):
    logits, labels = logits_and_labels(400_000 // k, k)
    order = np.random.default_rng(1).permutation(len(labels))
    one, other = from_logits(logits, labels), from_logits(logits[order], labels[order])
    assert_same(other, one, 1e-12)


@pytest.mark.parametrize("k", [2, 17, 200])
def test_threads_change_no_byte(k, monkeypatch):
    monkeypatch.setattr(engine, "CHUNK_ROWS", 1000)
    logits, labels = logits_and_labels(20_500, k)
    predictions = Predictions(logits=logits.astype(np.float32), labels=labels)
    texts = [evaluate(predictions, jobs=jobs).to_json() for jobs in (1, 2, 3)]
    assert texts[0] == texts[1] == texts[2]


@pytest.mark.parametrize("k", [2, 17])
def test_scores_that_are_not_held_in_memory_have_the_same_bins(k, monkeypatch):
    monkeypatch.setattr(engine, "CHUNK_ROWS", 1000)
    logits, labels = logits_and_labels(2500, k)
    predictions = Predictions(logits=logits, labels=labels)
    kept, read_again = summarise(predictions), summarise(predictions, resources=Resources(memory=1))
    assert read_again.mass_edges.tolist() == kept.mass_edges.tolist()
    assert read_again.mass.count.tolist() == kept.mass.count.tolist()
    assert read_again.mass.p == pytest.approx(kept.mass.p, rel=1e-12)


def test_numpy_is_left_as_it_was():
    before = np.getbufsize(), np.geterr()
    from_logits([[0.0, 1.0]], [1])
    assert (np.getbufsize(), np.geterr()) == before


@pytest.mark.parametrize("k", [3, 200])
@pytest.mark.parametrize("kind", ["logits", "probs", "log_probs"])
def test_of_classes_that_tie_with_the_label_the_first_is_predicted(k, kind):
    # Every row's two largest are classes 1 and 2; the label is the first of them, the second, or neither.
    probs = np.tile(np.concatenate(([0.2, 0.4, 0.4], np.zeros(k - 3))), (3, 1))
    scores = probs if kind == "probs" else with_log(probs)
    sums = summarise(Predictions(**{kind: scores}, labels=[1, 2, 0]), keep_rows=True)
    assert sums.rows.correct.tolist() == [True, False, False]
    assert sums.top.y.sum() == 1


def test_logits_that_differ_less_than_their_probabilities_show_are_no_tie():
    assert from_logits([[0.0, 1e-30, 1e-20]], [2])["accuracy"] == 1.0


def test_progress_counts_every_row_once(monkeypatch):
    monkeypatch.setattr(engine, "CHUNK_ROWS", 10)
    logits, labels = logits_and_labels(95, 3)
    told = Told()
    summarise(Predictions(logits=logits, labels=labels), resources=Resources(2, progress=told))
    assert told.heard == [("predictions", 95), *[10] * 9, 5]


def test_equal_confidences_stay_together():
    # Ten rows of confidence .7, five right: one equal-mass bin that ends at .7, whatever the number of bins.
    report = evaluate(Predictions(confidence=[0.7] * 10, correct=[1, 0] * 5), bins=5)
    assert [(b.lower, b.upper, b.count) for b in report.dumps[0].equal_mass] == [(0.0, 0.7, 10), (0.7, 1.0, 0)]
    assert report["aece"].value == pytest.approx(0.7 - 0.5)


@pytest.mark.parametrize("k", [2, 5, 17, 60, 200])
def test_all_logits_equal(k):
    # Every class has 1/k; the top label is the first class, which half of the rows carry.
    labels = np.array([0, k - 1] * 4)
    found = from_logits(np.full((8, k), 3.25), labels)
    p = round(2**45 / k) / 2**45  # confidences and probabilities of labels are multiples of 2^-45,
    other = p if k < 15 else 1 / k  # and so are other probabilities beyond the first bin
    assert found["accuracy"] == 0.5
    assert found["ece"] == pytest.approx(0.5 - p, abs=1e-15)
    assert found["aece"] == pytest.approx(0.5 - p, abs=1e-15)
    assert found["nll"] == pytest.approx(np.log(k), abs=1e-15)
    assert found["brier"] == pytest.approx((1 - p) ** 2 + (k - 1) / k**2, abs=1e-15)
    # The first and the last class have frequency 1/2, the others 0.
    others = (k - 2) * other if k > 2 else 0.0
    assert found["cwce"] == pytest.approx((2 * abs(0.5 - (p + other) / 2) + others) / k, abs=1e-15)


@pytest.mark.parametrize("k", [3, 20, 200])
def test_the_first_of_tied_classes_is_predicted(k):
    logits = np.zeros((3, k))
    logits[:, [1, k - 1]] = 5.0
    assert from_logits(logits, [1, k - 1, 0])["accuracy"] == 1 / 3


@pytest.mark.parametrize("k", [3, 20, 200])
@pytest.mark.parametrize("dtype", ["f2", "f4", "f8"])
def test_masked_classes(k, dtype):
    logits, labels = logits_and_labels(50, k)
    logits = logits.astype(dtype)
    masked = (labels[:, None] + 1 + np.arange(k // 2)) % k
    np.put_along_axis(logits, masked, -np.inf, axis=1)
    exact = logits.astype(np.float64)
    expected = definitions.metrics(definitions.softmax(exact), labels, order_by=exact)
    assert expected["nll"] is not None
    assert_same(from_logits(logits, labels), expected, 1e-9)


@pytest.mark.parametrize("k", [3, 20, 200])
@pytest.mark.parametrize("kind", ["logits", "probs", "log_probs"])
def test_a_label_of_probability_0(k, kind):
    probs = np.full((30, k), 1 / (k - 1))
    probs[:, 0] = 0.0
    labels = np.full(30, 1)
    labels[[7, 11]] = 0
    report = evaluate(Predictions(**{kind: probs if kind == "probs" else with_log(probs)}, labels=labels), level=None)
    nll = report["nll"]
    assert (nll.value, nll.count, nll.row) == (None, 2, 7)
    assert nll.reason == "infinite: the label has probability 0 in 2 rows, first in row 7"
    expected = definitions.metrics(probs, labels)
    assert expected.pop("nll") is None
    assert_same({name: report[name].value for name in expected}, expected, 1e-9)
    assert report.dumps[0].warnings[0] == (
        "2 of 30 rows assign probability 0 to their label (first: row 7); nll is infinite"
    )


def test_underflow_to_0_makes_no_infinite_nll_of_logits():
    # p of the label is exp(-2000), which float64 cannot hold; its logarithm is what counts.
    report = evaluate(Predictions(logits=[[2000.0, 0.0]], labels=[1]))
    assert report["nll"].value == 2000.0
    assert report["brier"].value == 2.0
    assert report["cwce"].value == 1.0


@pytest.mark.parametrize("shift", [-1e8, 1e8, 700.0])
def test_a_shift_of_all_logits_changes_nothing(shift):
    logits = np.array([[0.0, 2.0, 1.0], [1.0, 0.0, -1.0]])
    assert from_logits(logits + shift, [1, 2]) == from_logits(logits, [1, 2])


def test_confidence_exactly_0_and_1():
    found = values(Predictions(confidence=[0.0, 0.0, 1.0, 1.0], correct=[0, 1, 1, 0]))
    # Bin 1: mean 0, share 1/2. Bin 15: mean 1, share 1/2.
    assert found["ece"] == 2 / 4 * 0.5 + 2 / 4 * 0.5
    # The order statistics are 0 and 1, which are edges anyway: one equal-mass bin, mean 1/2, share 1/2.
    assert found["aece"] == 0.0
    assert found["oe"] == 2 / 4 * 1.0 * 0.5
    assert (found["mce"], found["mce_all_bins"]) == (None, 0.5)
    assert found["rmsce"] == 0.5


def test_probabilities_exactly_0_and_1():
    probs = np.eye(4)[[0, 1, 2, 3, 0]]
    found = from_probs(probs, [0, 1, 2, 3, 1])
    # The last row is wrong with confidence 1: one gap of 1/5; its class-wise gaps are 1/5 in classes 0 and 1.
    assert found["ece"] == pytest.approx(1 / 5, abs=1e-15)
    assert found["brier"] == 2 / 5
    assert found["cwce"] == pytest.approx((1 / 5 + 1 / 5) / 4, abs=1e-15)
    assert found["nll"] is None


EDGE_CASES = [(5, 1), (5, 2), (5, 4), (10, 1), (10, 3), (10, 7), (15, 3), (15, 1), (15, 11)]


@pytest.mark.parametrize(("bins", "i"), EDGE_CASES)
@pytest.mark.parametrize("dtype", ["f2", "f4", "f8"])
def test_a_stored_edge_is_on_its_edge_in_every_type(bins, i, dtype):
    confidence = np.array([i / bins]).astype(dtype)
    table = evaluate(Predictions(confidence=confidence, correct=[1]), bins=bins).dumps[0].equal_width
    assert [b.count for b in table] == [int(m == i - 1) for m in range(bins)]
    above = np.nextafter(confidence, np.ones(1, dtype))
    table = evaluate(Predictions(confidence=above, correct=[1]), bins=bins).dumps[0].equal_width
    assert [b.count for b in table] == [int(m == i) for m in range(bins)]


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("k", [5, 20, 200])
def test_a_stored_edge_is_on_its_edge_class_by_class(dtype, k):
    probs = np.zeros((1, k))
    probs[0, :5] = 0.2
    sums = summarise(Predictions(probs=probs.astype(dtype), labels=[0]), bins=5)
    assert sums.top.count.tolist() == [1, 0, 0, 0, 0]
    assert sums.classes.count.tolist() == [[1, 0, 0, 0, 0]] * k
    assert sums.classes.y[0].tolist() == [1, 0, 0, 0, 0]


@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_float32_logits_are_upcast_before_a_softmax_meets_an_edge(dtype):
    # ln(1/4) - ln(1) puts P(0) at .2 to a rounding; what matters is that label and rows share one bin.
    logits = np.log(np.array([[0.2, 0.8]])).astype(dtype)
    sums = summarise(Predictions(logits=logits, labels=[0]), bins=5)
    assert (sums.classes.y[0] <= sums.classes.count[0]).all()


@pytest.mark.parametrize("k", [2, 3, 17])
def test_outcomes_and_rows_share_their_bins_at_edges(k):
    # Quotients of small whole numbers lie on edges of k and 2k bins, exactly or to the last bit.
    logits = np.log(np.random.default_rng(0).integers(1, 9, (200, k)).astype(float))
    for bins in (k, 2 * k, 5, 10):
        for label in range(min(k, 3)):
            sums = summarise(Predictions(logits=logits, labels=[label] * 200), bins=bins)
            assert sums.classes.y[label].tolist() == sums.classes.count[label].tolist()  # every row is of this class
            for row in logits[:20]:
                sums = summarise(Predictions(logits=row[None], labels=[label]), bins=bins)
                assert (sums.classes.y <= sums.classes.count).all()


@pytest.mark.parametrize("k", [2, 3, 17])
def test_ignored_rows_do_not_exist(k):
    logits, labels = logits_and_labels(100, k)
    with_ignored = labels.copy()
    with_ignored[[0, 5, 50, 99]] = 255
    keep = with_ignored != 255
    predictions = Predictions(logits=logits, labels=with_ignored, ignore_index=255)
    assert (predictions.n, predictions.ignored, predictions.rows) == (96, 4, 100)
    assert_same(values(predictions), from_logits(logits[keep], labels[keep]), 1e-12)


def test_rows_are_numbered_as_stored_when_some_are_ignored():
    probs = np.array([[1.0, 0.0]] * 6)
    labels = np.array([0, 255, 255, 0, 255, 1])
    report = evaluate(Predictions(probs=probs, labels=labels, ignore_index=255))
    assert report["nll"].row == 5


@pytest.mark.parametrize("kind", ["logits", "confidence"])
@pytest.mark.parametrize("side", ["first", "last"])
def test_a_whole_chunk_of_ignored_rows(kind, side, monkeypatch):
    monkeypatch.setattr(engine, "CHUNK_ROWS", 10)
    logits, labels = logits_and_labels(25, 3)
    outcome = (logits.argmax(axis=1) == labels).astype(int) if kind == "confidence" else labels
    scores = definitions.softmax(logits).max(axis=1) if kind == "confidence" else logits
    gone = slice(0, 10) if side == "first" else slice(10, 25)
    kept = slice(10, 25) if side == "first" else slice(0, 10)
    marked = outcome.copy()
    marked[gone] = -100
    name = "correct" if kind == "confidence" else "labels"
    found = values(Predictions(**{kind: scores, name: marked}, ignore_index=-100))
    assert_same(found, values(Predictions(**{kind: scores[kept], name: outcome[kept]})), 1e-12)


@pytest.mark.parametrize("order", ["channels first", "channels last"])
@pytest.mark.parametrize("k", [2, 3, 17])
def test_dense_scores_are_pixels(order, k):
    logits, labels = logits_and_labels(3 * 4 * 5, k)
    labels[[3, 30]] = 255
    images = logits.reshape(3, 4, 5, k)
    images = np.moveaxis(images, -1, 1) if order == "channels first" else images
    predictions = Predictions(logits=images, labels=labels.reshape(3, 4, 5), ignore_index=255)
    assert (predictions.n, predictions.k, predictions.ignored) == (58, k, 2)
    assert values(predictions) == values(Predictions(logits=logits, labels=labels, ignore_index=255))


def test_dense_blocks_need_not_end_with_an_image(monkeypatch):
    monkeypatch.setattr(engine, "CHUNK_ROWS", 7)
    logits, labels = logits_and_labels(3 * 4 * 5, 3)
    images = np.moveaxis(logits.reshape(3, 4, 5, 3), -1, 1)
    found = values(Predictions(logits=images, labels=labels.reshape(3, 4, 5)))
    assert_same(found, definitions.metrics(definitions.softmax(logits), labels), 1e-9)


@pytest.mark.parametrize("shape", [(-1,), (-1, 1)])
def test_one_column_is_the_probability_of_class_1(shape):
    rng = np.random.default_rng(0)
    p, labels = rng.random(200), rng.integers(0, 2, 200)
    both = np.stack([1 - p, p], axis=1)
    assert from_probs(p.reshape(shape), labels) == from_probs(both, labels)
    logit = np.log(p / (1 - p))
    assert_same(from_logits(logit.reshape(shape), labels), definitions.metrics(both, labels), 1e-9)
    log_probs = values(Predictions(log_probs=np.log(p).reshape(shape), labels=labels))
    assert_same(log_probs, definitions.metrics(both, labels), 1e-9)


def test_one_column_at_its_ends():
    # P(1) = 1 with label 1, P(1) = 0 with label 0, P(1) = .5: the tie goes to class 0.
    found = from_probs([1.0, 0.0, 0.5], [1, 0, 1])
    assert found["accuracy"] == 2 / 3
    assert found["nll"] == pytest.approx(np.log(2) / 3)
    assert values(Predictions(log_probs=[0.0, -np.inf], labels=[1, 0]))["nll"] == 0.0


def test_top_label_dumps_give_the_numbers_of_the_full_ones():
    logits, labels = logits_and_labels(300, 5)
    probs = definitions.softmax(logits)
    full = definitions.metrics(probs, labels)
    found = values(Predictions(confidence=probs.max(axis=1), correct=probs.argmax(axis=1) == labels))
    assert_same(found, {**full, "cwce": None, "nll": None, "brier": None, "temperature": None}, 1e-9)


def test_absent_classes_count():
    logits, labels = logits_and_labels(60, 6)
    labels[np.isin(labels, [2, 5])] = 0
    report = evaluate(Predictions(logits=logits, labels=labels), level=None)
    expected = definitions.metrics(definitions.softmax(logits), labels, order_by=logits)
    assert report["cwce"].value == pytest.approx(expected["cwce"], abs=1e-9)
    assert report.dumps[0].warnings == ("2 of 6 classes do not occur among the labels: 2, 5",)
    assert [c.support for c in report.dumps[0].per_class] == np.bincount(labels, minlength=6).tolist()


DIVIDE = "so these are not probabilities. renormalize=True divides every row by its sum, and counts these rows."
OTHERS = " The other rows are probabilities: see what is wrong with these."
LOGITS = " If they are logits, pass them as logits=."
BAD = {
    "logits": [
        ([[0, np.nan, 0]], "row 2 holds nan in column 1, but logits must be finite or -inf."),
        ([[np.nan, 1, 0]], "row 2 holds nan in column 0, but logits must be finite or -inf."),
        ([[0, 1, np.inf]], "row 2 holds inf in column 2, but logits must be finite or -inf."),
        ([[-np.inf] * 3], "row 2 has only -inf logits, so no class has a probability."),
    ],
    "probs": [
        (
            [[0.5, 0.7, 0.1]],
            f"row 2 sums to 1.3, not to 1 within 0.1501 (rounded to 1 decimal), {DIVIDE}",
        ),
        ([[1.5, -0.5, 0]], f"row 2 holds 1.5 in column 0, so these are not probabilities.{OTHERS}"),
        ([[0.5, -0.1, 0.6]], f"row 2 holds -0.1 in column 1, so these are not probabilities.{OTHERS}"),
        ([[0.5, np.nan, 0.5]], "row 2 holds nan in column 1, so these are not probabilities."),
        ([[np.inf, 0, 0]], "row 2 holds inf in column 0, so these are not probabilities."),
    ],
    "log_probs": [
        ([[0.0, 0.0, 0.0]], f"row 2 sums to 3, not to 1 within 0.0001, so these are not log-probabilities.{LOGITS}"),
        ([[1.0, -1.0, 0.0]], f"row 2 holds 1 in column 0, so these are not log-probabilities.{LOGITS}"),
        ([[np.nan, -1.0, 0.0]], f"row 2 holds nan in column 0, so these are not log-probabilities.{LOGITS}"),
    ],
}


@pytest.mark.parametrize("jobs", [1, 2])
@pytest.mark.parametrize("wide", [False, True])
@pytest.mark.parametrize(("kind", "row", "message"), [(kind, *case) for kind in BAD for case in BAD[kind]])
def test_values_that_contradict_their_kind(kind, row, message, wide, jobs):
    good = np.array([[0.2, 0.3, 0.5]] * 5)
    scores = good if kind == "probs" else np.log(good)
    scores[2] = row[0]
    if wide:
        fill = 0.0 if kind == "probs" else -np.inf
        scores = np.concatenate([scores, np.full((5, 200), fill)], axis=1)
    with pytest.raises(InputError) as error:
        evaluate(Predictions(**{kind: scores}, labels=[0] * 5), jobs=jobs)
    assert str(error.value) == f"predictions: {message}"


def test_the_first_bad_row_is_named_and_all_are_counted(monkeypatch):
    monkeypatch.setattr(engine, "CHUNK_ROWS", 10)
    logits, labels = logits_and_labels(50, 3)
    logits[[41, 23, 7]] = np.nan
    for jobs in (1, 3):
        with pytest.raises(InputError) as error:
            evaluate(Predictions(logits=logits, labels=labels), jobs=jobs)
        assert str(error.value) == (
            "predictions: row 7 holds nan in column 0, but logits must be finite or -inf (3 rows of 50 are wrong)."
        )


@pytest.mark.parametrize("value", [-0.1, 1.1, np.nan, np.inf])
def test_confidences_outside_0_and_1(value):
    with pytest.raises(InputError, match=r"^predictions: row 1 has confidence .*, but it must lie in \[0, 1\]\.$"):
        evaluate(Predictions(confidence=[0.5, value], correct=[1, 0]))


def test_a_bad_pixel_is_named_by_image_and_place():
    images = np.zeros((2, 3, 4, 5))
    images[1, 2, 3, 1] = np.nan
    with pytest.raises(InputError, match=r"^predictions: image 1, pixel \(3, 1\) holds nan in column 2, "):
        evaluate(Predictions(logits=images, labels=np.zeros((2, 4, 5), int)))


def test_ignored_rows_may_hold_anything():
    assert from_logits([[0.0, 1.0]], [1]) == values(
        Predictions(logits=[[np.nan, np.inf], [0.0, 1.0]], labels=[-1, 1], ignore_index=-1)
    )


class Repeated:
    """Rows of a small array over and over: a large dump that takes no memory."""

    def __init__(self, array, n):
        self._array, self.shape, self.dtype = array, (n, *array.shape[1:]), array.dtype

    def __getitem__(self, rows):
        start, stop, _ = rows.indices(self.shape[0])
        return self._array[np.arange(start, stop) % len(self._array)]


def peak_bytes(n, k, jobs):
    logits, labels = logits_and_labels(5000, k)
    predictions = Predictions(logits=Repeated(logits.astype(np.float32), n), labels=np.resize(labels, n))
    tracemalloc.start()
    try:
        summarise(predictions, resources=Resources(jobs))
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("k", [2, 20])
def test_memory_beyond_the_scores_is_8_bytes_a_row(k):
    few, many = 4 * engine.CHUNK_ROWS, 16 * engine.CHUNK_ROWS
    beyond = [peak_bytes(n, k, 1) - 8 * n for n in (few, many)]
    assert beyond[1] <= 1.05 * beyond[0] + 2**18


@pytest.mark.parametrize("k", [2, 20])
@pytest.mark.parametrize("jobs", [1, 2, 3])
def test_memory_beyond_the_scores_grows_with_threads_only(k, jobs):
    # How many chunks meet in memory is chance; there are never more than one a thread and one that waits.
    n = 12 * engine.CHUNK_ROWS
    assert peak_bytes(n, k, jobs) - 8 * n < (jobs + 1) * 24 * 2**20


@pytest.mark.parametrize("k", [2, 5, 40])
def test_the_rows_that_are_kept_are_those_of_the_sums(k, monkeypatch):
    monkeypatch.setattr("calibeval.core.sums.engine.CHUNK_ROWS", 100)
    rng = np.random.default_rng(k)
    logits, labels = rng.normal(size=(333, k)), rng.integers(0, k, 333)
    labels[::7] = -100
    predictions = Predictions(logits=logits, labels=labels, ignore_index=-100)
    assert summarise(predictions).rows is None
    sums = summarise(predictions, resources=Resources(2), keep_rows=True)
    p = definitions.softmax(logits[labels >= 0])
    kept = labels[labels >= 0]
    np.testing.assert_allclose(sums.rows.confidence, p.max(axis=1), rtol=1e-12)
    np.testing.assert_array_equal(sums.rows.correct, p.argmax(axis=1) == kept)
    np.testing.assert_allclose(sums.rows.nll, -np.log(p[np.arange(len(kept)), kept]), rtol=1e-11)
    np.testing.assert_allclose(sums.rows.brier, ((p - np.eye(k)[kept]) ** 2).sum(axis=1), atol=1e-13)


@pytest.mark.parametrize("k", [2, 3])
def test_without_fits_all_other_sums_are_the_same(k):
    logits, labels = logits_and_labels(400, k)
    predictions = Predictions(logits=logits, labels=labels)
    whole, less = summarise(predictions), summarise(predictions, fitted=False)
    assert whole.optimum is not None
    assert (whole.cox is None) == (k != 2)
    assert less.optimum is less.cox is None
    assert less.nll == whole.nll
    assert less.excess == whole.excess
    assert np.array_equal(less.mass.p, whole.mass.p)


def test_keys_of_any_dump_are_put_in_their_places_by_threads(monkeypatch):
    # More rows than are sorted, some of them ignored, in chunks that threads may finish in any order.
    monkeypatch.setattr("calibeval.core.sums.engine.CHUNK_ROWS", 5000)
    logits, labels = logits_and_labels(41_000, 2)
    labels[::7] = -1
    predictions = Predictions(logits=logits, labels=labels, ignore_index=-1)
    one, several = (summarise(predictions, resources=Resources(jobs), fitted=False) for jobs in (1, 3))
    confidence = np.sort(definitions.softmax(logits[labels >= 0]).max(axis=1))
    n = len(confidence)
    edges = [confidence[-(-i * n // 15) - 1] for i in range(1, 15)]
    for sums in (one, several):
        np.testing.assert_allclose(sums.mass_edges[1:-1], edges, atol=1e-12)
        assert sums.mass.count.sum() == n
    for name in ("count", "p", "pp", "y", "yp"):
        assert np.array_equal(getattr(one.mass, name), getattr(several.mass, name)), name
