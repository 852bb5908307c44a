"""The compiled kernel against numpy: the same sums but for rounding, and the same refusals."""

import dataclasses

import numpy as np
import pytest

from calibeval import InputError, Predictions
from calibeval.core.sums import kernel
from calibeval.core.sums.engine import summarise
from calibeval.core.sums.equal_mass import confidence_keys, first_histogram, from_keys

KERNELS = [f"native:{one.name}" for one in kernel.available()]
pytestmark = pytest.mark.skipif(not KERNELS, reason="the compiled kernel was not built")
CLASSES = (2, 2, 3, 5, 8, 10, 31, 32, 33, 40, 65, 257)
ROWS = (1, 2, 7, 8, 9, 63, 64, 65, 200)
LEAVES = (int, float, np.generic)
# Cancelling terms have the size of squared logarithms of single rows.
CANCELLED = 4e-15
CLOSE, OF_CUMULANTS = 1e-12, {"variance": 1e2, "third": 1e4, "fourth": 1e6, "total": 1e1}


def numbers(sums, path=""):
    """Every number of a record, by its path."""
    if sums is None or isinstance(sums, str | bool):
        return {path: sums}
    if isinstance(sums, (*LEAVES, np.ndarray)):
        return {path: np.asarray(sums, np.float64)}
    names = sums._fields if hasattr(sums, "_fields") else [field.name for field in dataclasses.fields(sums)]
    return {key: value for name in names for key, value in numbers(getattr(sums, name), f"{path}.{name}").items()}


def assert_close(one, other, n):
    assert one.keys() == other.keys()
    for path, value in one.items():
        own, name = other[path], path.rsplit(".", 1)[-1]
        if "risk" in name:
            continue
        if value is None or isinstance(value, str | bool):
            assert value == own, path
            continue
        scale = max(np.abs(value[np.isfinite(value)]).max(initial=1.0), n * OF_CUMULANTS.get(name, 1.0))
        np.testing.assert_allclose(own, value, rtol=0.0, atol=CLOSE * scale, err_msg=path)
    assert_close_risks(one, other)


def assert_close_risks(one, other):
    """Those of rows agree; their sum is that of the rows.

    A risk is the logarithm of c r / s, where s is left of 1 when c^2 is taken away, with an error of CANCELLED: its
    inverse s / (c r) is known to CANCELLED / r, where r is 1 - c or the root of s. Of a correct row, nothing cancels.
    """
    if ".rows.risk" not in one:
        return
    c, correct = one[".rows.confidence"], one[".rows.correct"] > 0.0
    first, second = one[".rows.risk"], other[".rows.risk"]
    apart = np.abs(np.exp(-first) - np.exp(-second))
    assert (apart <= CANCELLED / (1.0 - c + CANCELLED**0.5)).all(), apart
    np.testing.assert_allclose(second[correct], first[correct], rtol=1e-9, atol=1e-9)
    for own in (one, other):
        weights = 1.0 if own[".rows.weights"] is None else own[".rows.weights"]
        np.testing.assert_allclose(own[".risk"], (weights * own[".rows.risk"]).sum(), rtol=1e-12)


def odd_dump(rng):
    """Random predictions with ties, -inf, equal rows, tiny and huge values."""
    k, n = int(rng.choice(CLASSES)), int(rng.choice(ROWS))
    kind, dtype = str(rng.choice(["logits", "logits", "probs", "log_probs"])), rng.choice([np.float32, np.float64])
    z = rng.normal(size=(n, k)) * rng.choice([0.0, 0.1, 1.0, 3.0, 10.0, 100.0])
    match int(rng.integers(6)):
        case 0:
            z = np.round(z)
        case 1:
            z[rng.random(z.shape) < 0.2] = -np.inf
            z[~np.isfinite(z).any(axis=1)] = 0.0
        case 2:
            z[:] = z[0]
        case 3:
            z[rng.random(z.shape) < 0.1] *= 1e30
    if kind != "logits":
        z = np.exp(z - z.max(axis=1, keepdims=True))
        z /= z.sum(axis=1, keepdims=True)
        with np.errstate(divide="ignore"):
            z = np.log(z) if kind == "log_probs" else z
    scores = z.astype(
        np.float16 if np.abs(z).max(where=np.isfinite(z), initial=0.0) < 100 and rng.random() < 0.1 else dtype
    )
    labels = scores.argmax(axis=1) if rng.random() < 0.5 else rng.integers(0, k, n)
    weights = rng.random(n) * 3.0 if rng.random() < 0.3 else None
    return Predictions(**{kind: scores}, labels=labels, weights=weights), int(rng.choice([1, 2, 10, 15, 15, 100]))


@pytest.mark.parametrize("name", KERNELS)
def test_both_kernels_give_the_same_sums_of_odd_dumps(monkeypatch, name):
    rng = np.random.default_rng(22)
    for _ in range(60 if "baseline" in name else 250):
        predictions, bins = odd_dump(rng)
        found = []
        keep_rows = bool(rng.random() < 0.5)
        for one in ("numpy", name):
            monkeypatch.setenv(kernel.VARIABLE, one)
            found.append(numbers(summarise(predictions, bins, keep_rows=keep_rows, finish=False)))
            if not keep_rows and found[-1][".risk"] is not None:
                kept = summarise(predictions, bins, keep_rows=True, finish=False).risk
                np.testing.assert_allclose(found[-1][".risk"], kept, rtol=1e-12)
        assert_close(found[0], found[1], predictions.n)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("k", [2, 10, 100])
def test_every_instruction_set_gives_the_same_bytes(monkeypatch, k, weighted):
    rng = np.random.default_rng(k)
    z = (3.0 * rng.normal(size=(1003, k))).astype(np.float32)
    weights = rng.random(1003) if weighted else None
    predictions = Predictions(logits=z, labels=rng.integers(0, k, 1003), weights=weights)
    found = []
    for one in KERNELS:
        monkeypatch.setenv(kernel.VARIABLE, one)
        found.append(numbers(summarise(predictions, keep_rows=True, finish=False)))
    for other in found[1:]:
        for path, value in found[0].items():
            assert value is None or np.array_equal(value, other[path]), path


def test_threads_and_the_place_of_a_row_change_no_bit(monkeypatch):
    monkeypatch.setenv(kernel.VARIABLE, "native")
    rng = np.random.default_rng(5)
    z = (3.0 * rng.normal(size=(501, 7))).astype(np.float32)
    y = rng.integers(0, 7, 501)
    whole = summarise(Predictions(logits=z, labels=y), keep_rows=True).rows
    part = summarise(Predictions(logits=z[3:], labels=y[3:]), keep_rows=True).rows
    for own, of_part in ((whole.confidence, part.confidence), (whole.nll, part.nll), (whole.excess, part.excess)):
        assert np.array_equal(own[3:], of_part)


@pytest.mark.parametrize("name", KERNELS)
@pytest.mark.parametrize("bins", [2, 3, 10, 15])
def test_two_classes_on_edges_of_bins(monkeypatch, name, bins):
    # Six rows of confidence 1/2, of which two are right, one wrong row of 1, and one right row of 1 / (1 + exp(-1)).
    monkeypatch.setenv(kernel.VARIABLE, name)
    z = np.array([[1.0, 1.0]] * 6 + [[0.0, 800.0], [2.0, 1.0]], np.float32)
    sums = summarise(Predictions(logits=z, labels=[0, 1, 1, 0, 1, 1, 0, 0]), bins, finish=False)
    c, half = 1.0 / (1.0 + np.exp(-1.0)), (bins - 1) // 2  # an edge belongs to the bin below
    top = np.zeros((bins, 3))
    for p, y, count in ((0.5, 1.0, 2), (0.5, 0.0, 4), (1.0, 0.0, 1), (c, 1.0, 1)):
        top[min(int(np.ceil(p * bins)) - 1, bins - 1)] += count * np.array([1.0, p, y])
    np.testing.assert_allclose(np.array([sums.top.count, sums.top.p, sums.top.y]).T, top, atol=1e-13)
    first, other = int(np.ceil(c * bins)) - 1, int(np.ceil((1.0 - c) * bins)) - 1
    by_class = np.zeros((2, bins))
    by_class[:, half] += 6.0
    by_class[0, 0] += 1.0
    by_class[1, bins - 1] += 1.0
    by_class[0, first] += 1.0
    by_class[1, other] += 1.0
    assert np.array_equal(sums.classes.count, by_class)
    assert sums.classes.p.sum(axis=1) == pytest.approx([3.0 + c, 4.0 + 1.0 - c])
    assert sums.classes.yp.sum(axis=1) == pytest.approx([1.0 + 0.0 + c, 2.0])
    assert sums.impossible == 0


BAD = {
    "nan": ("logits", [[0.0, 1.0, 2.0], [0.0, np.nan, 1.0]]),
    "inf": ("logits", [[0.0, 1.0, 2.0], [0.0, np.inf, 1.0]]),
    "only -inf": ("logits", [[0.0, 1.0, 2.0], [-np.inf] * 3]),
    "sum": ("probs", [[0.5, 0.25, 0.25], [0.512345678, 0.2, 0.2]]),
    "negative": ("probs", [[0.5, 0.25, 0.25], [0.5, -0.1, 0.6]]),
    "log sum": ("log_probs", np.log([[0.5, 0.25, 0.25], [0.512345678, 0.2, 0.2]])),
}


@pytest.mark.parametrize("wide", [False, True])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("case", BAD)
def test_bad_values_are_refused_with_the_same_message(monkeypatch, case, dtype, wide):
    kind, rows = BAD[case]
    nothing = {"logits": -50.0, "probs": 0.0, "log_probs": -np.inf}[kind]
    nothing = -np.inf if case == "only -inf" else nothing
    scores = np.hstack([np.array(rows), np.full((2, 40), nothing)]) if wide else np.array(rows)
    predictions = Predictions(**{kind: scores.astype(dtype)}, labels=[0, 1])
    messages = []
    for one in ("numpy", "native"):
        monkeypatch.setenv(kernel.VARIABLE, one)
        with pytest.raises(InputError) as refused:
            summarise(predictions)
        messages.append(str(refused.value))
    assert messages[0] == messages[1]
    assert "row 1" in messages[0]


@pytest.mark.parametrize("name", KERNELS)
def test_equal_mass_bins_of_many_rows_are_those_of_numpy(monkeypatch, name):
    rng = np.random.default_rng(11)
    confidence = np.where(rng.random(40_001) < 0.1, 0.75, 1.0 - rng.random(40_001) ** 9 / 2)
    confidence[:50] = 1.0
    keys = confidence_keys(confidence, rng.random(40_001) < confidence)
    found = []
    for one in ("numpy", name):
        monkeypatch.setenv(kernel.VARIABLE, one)
        found.append((first_histogram(keys), *from_keys(keys, 15, slack=2.0**-45)))
    (counts, sums, edges), (own_counts, own_sums, own_edges) = found
    assert np.array_equal(counts, own_counts)
    assert np.array_equal(edges, own_edges)
    assert np.array_equal(sums.count, own_sums.count)
    for part in ("p", "pp", "y", "yp"):
        np.testing.assert_allclose(getattr(own_sums, part), getattr(sums, part), rtol=1e-12)


def test_tables_of_more_bins_than_two_classes_have_of_their_own(monkeypatch):
    rng = np.random.default_rng(4)
    predictions = Predictions(
        logits=(2.0 * rng.normal(size=(501, 2))).astype(np.float32), labels=rng.integers(0, 2, 501)
    )
    found = []
    for one in ("numpy", "native"):
        monkeypatch.setenv(kernel.VARIABLE, one)
        found.append(numbers(summarise(predictions, 1500, finish=False)))
    assert_close(found[0], found[1], 501)


@pytest.mark.parametrize("asked", KERNELS)
def test_keys_that_are_no_confidences_stay_inside_the_table(asked, monkeypatch):
    monkeypatch.setenv(kernel.VARIABLE, asked)
    odd = np.array([1.0000001, 2.0, 1e300, np.inf, np.nan, -1.0, -np.inf, 0.5, 1.0]).view(np.uint64) << np.uint64(1)
    counts = first_histogram(np.tile(odd, 5))
    assert counts.min() >= 0
    assert counts.sum() == 5 * len(odd)
