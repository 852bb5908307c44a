"""`Accumulator`: batches give the report of all rows, bit for bit, whatever their sizes; errors leave it as it was."""

import pickle
import re

import numpy as np
import pytest

import calibeval
from calibeval.core.metrics.table import EVERY
from calibeval.core.sums import engine
from tests.data import pooled

RNG = np.random.default_rng(17)
REFITTED = ("phi_nll", "phi_brier", "cwce_adaptive")  # these need all probabilities of all rows
KEPT = [name for name in EVERY if name not in REFITTED]


def logits_of(n, k, dtype=np.float32):
    return (RNG.normal(size=(n, k)) * 2).astype(dtype)


def softmax(logits):
    p = np.exp(logits - logits.max(axis=1, keepdims=True), dtype=np.float64)
    return p / p.sum(axis=1, keepdims=True)


def labels_of(p):
    return (p.cumsum(axis=1) > RNG.random(len(p))[:, None]).argmax(axis=1)


def fed(batch, k=None, settings=None, **arrays):
    """An accumulator that was given these arrays in batches of this size."""
    part = calibeval.Accumulator(k, **(settings or {}))
    n = len(next(iter(arrays.values())))
    for start in range(0, n, batch):
        part.update(**{name: values[start : start + batch] for name, values in arrays.items()})
    return part


@pytest.fixture
def small_chunks(monkeypatch):
    """Chunks of a hundred rows and less, so that few rows make many."""
    monkeypatch.setattr(engine, "CHUNK_ROWS", 100)


@pytest.mark.parametrize("batch", [1, 37, 100, 250, 3000])
@pytest.mark.parametrize("kind", ["logits", "probs", "log_probs"])
@pytest.mark.parametrize("k", [2, 7])
def test_batches_of_any_size_give_the_report_of_all_rows(batch, kind, k, small_chunks):
    z = logits_of(1000, k)
    p = softmax(z)
    scores = {"logits": z, "probs": p.astype(np.float32), "log_probs": np.log(p)}[kind]
    y = labels_of(p)
    whole = calibeval.evaluate(**{kind: scores}, labels=y)
    assert fed(batch, k, **{kind: scores}, labels=y).report().to_json() == whole.to_json()


def test_the_sample_for_the_temperature_and_the_spread_of_class_gaps_are_the_same_of_many_rows():
    z = logits_of(200_000, 8)
    y = labels_of(softmax(z))
    whole = calibeval.evaluate(logits=z, labels=y)
    assert whole["temperature"].reason.code == "sampled"
    assert fed(4096, 8, logits=z, labels=y).report().to_json() == whole.to_json()


def test_one_column_and_top_labels(small_chunks):
    p = RNG.random(700)
    y = (RNG.random(700) < p).astype(int)
    assert fed(64, 2, probs=p, labels=y).report().to_json() == calibeval.evaluate(probs=p, labels=y).to_json()
    conf, right = np.maximum(p, 1 - p), (p > 0.5) == y
    whole = calibeval.evaluate(confidence=conf, correct=right)
    part = fed(64, confidence=conf, correct=right)
    assert part.report().to_json() == whole.to_json()
    assert part.k is None


@pytest.mark.parametrize("settings", [{"metrics": KEPT}, {"classes": [2, 0]}, {"bins": 7, "level": None}])
def test_settings_as_for_evaluate(settings, small_chunks):
    z = logits_of(900, 4)
    y = labels_of(softmax(z))
    whole = calibeval.evaluate(logits=z, labels=y, **settings)
    assert fed(128, 4, settings, logits=z, labels=y).report().to_json() == whole.to_json()


def test_metrics_that_need_all_probabilities_of_all_rows_say_why_they_are_missing():
    part = fed(64, 3, {"metrics": "all"}, logits=logits_of(200, 3), labels=RNG.integers(0, 3, 200)).report()
    missing = {name for name in part if "which are not kept here" in (part[name].reason or "")}
    assert missing == {*REFITTED}
    assert all(part[name].value is None for name in missing)


def test_the_positive_class_and_names(small_chunks):
    z = logits_of(500, 2)
    y = np.array(["ok", "bad"])[labels_of(softmax(z))]
    settings = {"class_names": ["ok", "bad"], "positive": "ok"}
    whole = calibeval.evaluate(logits=z, labels=y, **settings)
    assert fed(128, 2, settings, logits=z, labels=y).report().to_json() == whole.to_json()


def test_ignored_rows_keep_their_place_in_the_chunks(small_chunks):
    z = logits_of(900, 4)
    y = labels_of(softmax(z))
    y[RNG.random(900) < 0.2] = -100
    y[300:420] = -100  # more than a whole batch
    whole = calibeval.evaluate(logits=z, labels=y, ignore_index=-100)
    part = fed(60, 4, {"ignore_index": -100}, logits=z, labels=y)
    assert part.report().to_json() == whole.to_json()
    assert part.n == whole.dumps[0].n == 900 - whole.dumps[0].ignored


@pytest.mark.parametrize("name", ["ones", "random", "late", "zeros"])
def test_weights(name, small_chunks):
    z = logits_of(900, 4)
    y = labels_of(softmax(z))
    w = {
        "ones": np.ones(900),
        "random": RNG.random(900),
        "late": np.where(np.arange(900) < 600, 2.0, RNG.random(900)),
        "zeros": RNG.random(900) * (RNG.random(900) > 0.3),
    }[name]
    whole = calibeval.evaluate(logits=z, labels=y, weights=w, metrics=KEPT).to_dict()
    part = fed(70, 4, {"metrics": KEPT}, logits=z, labels=y, weights=w).report().to_dict()
    close(part, whole, exactly=name != "late")


@pytest.mark.parametrize("weighted", [False, True])
def test_groups_across_batches(weighted, small_chunks):
    z = logits_of(2000, 3)
    y = labels_of(softmax(z))
    g = RNG.permutation(2000) % 90  # in every batch
    w = {"weights": RNG.random(2000)} if weighted else {}
    whole = calibeval.evaluate(logits=z, labels=y, group=g, **w).to_dict()
    part = fed(128, 3, logits=z, labels=y, groups=g, **w).report().to_dict()
    close(part, whole, exactly=not weighted)
    assert part["dumps"][0]["groups"]["count"] == 90


def test_names_of_groups_are_told_apart_as_text(small_chunks):
    z = logits_of(600, 3)
    y = labels_of(softmax(z))
    g = np.array([f"video {i}" for i in np.arange(600) // 12])
    whole = calibeval.evaluate(logits=z, labels=y, group=g)
    assert fed(50, 3, logits=z, labels=y, groups=g).report().to_json() == whole.to_json()


def test_images_are_groups_of_their_pixels(small_chunks):
    z = RNG.normal(size=(45, 3, 4, 5))
    y = RNG.integers(0, 3, (45, 4, 5))
    y[7] = 255
    whole = calibeval.evaluate(logits=z, labels=y, ignore_index=255)
    part = fed(2, 3, {"ignore_index": 255}, logits=z, labels=y)
    assert part.report().to_json() == pooled(whole).to_json()
    assert part.report().dumps[0].groups.count == whole.dumps[0].per_image.units == 44


def test_impossible_labels_have_their_row_number_among_all_batches(small_chunks):
    p = np.array([[0.5, 0.5, 0.0], [0.25, 0.25, 0.5]] * 150)
    y = np.array([0, 2] * 150)
    y[220] = 2
    whole = calibeval.evaluate(probs=p, labels=y)
    part = fed(32, 3, probs=p, labels=y).report()
    assert part.to_json() == whole.to_json()
    assert "row 220" in str(part.dumps[0].warnings)


def test_warnings_about_rows_are_those_of_all_rows(small_chunks):
    p = np.array([[0.333, 0.333, 0.333], [0.25, 0.5, 0.25]] * 150)
    y = np.arange(300) % 3
    whole = calibeval.evaluate(probs=p, labels=y)
    assert [one.code for one in whole.dumps[0].warnings][:1] == ["rounded"]
    assert fed(32, 3, probs=p, labels=y).report().to_json() == whole.to_json()
    exchanged = np.array([[0.9, 0.1], [0.1, 0.9]] * 100)
    part = fed(32, 2, probs=exchanged, labels=[1, 0] * 100).report()
    assert part.to_json() == calibeval.evaluate(probs=exchanged, labels=[1, 0] * 100).to_json()
    assert part.dumps[0].warnings[0].code == "below_chance"


def test_lists_of_the_best_scores_are_refused_as_by_evaluate(small_chunks):
    p = np.array([[0.9, 0.07, 0.03], [0.8, 0.15, 0.05]] * 60)
    y = np.arange(120) % 3
    with pytest.raises(calibeval.InputError, match="fall from left to right in every row") as refused:
        calibeval.evaluate(probs=p, labels=y)
    with pytest.raises(calibeval.InputError) as here:
        fed(16, 3, probs=p, labels=y).report()
    assert str(here.value) == str(refused.value)
    insisting = {"labels_are": "positions"}
    assert fed(16, 3, insisting, probs=p, labels=y).report()["accuracy"].value == pytest.approx(1 / 3)


def test_a_report_in_between_changes_nothing(small_chunks):
    z = logits_of(1000, 4)
    y = labels_of(softmax(z))
    part = calibeval.Accumulator(4)
    for start in range(0, 1000, 77):
        part.update(logits=z[start : start + 77], labels=y[start : start + 77])
        seen = min(start + 77, 1000)
        assert part.n == seen
        if seen == 77 * 5:
            assert part.report().to_json() == calibeval.evaluate(logits=z[:seen], labels=y[:seen]).to_json()
    assert part.report().to_json() == calibeval.evaluate(logits=z, labels=y).to_json()


def test_reset_forgets_rows_and_keeps_settings():
    part = fed(10, 3, {"bins": 5}, logits=logits_of(30, 3), labels=[0, 1, 2] * 10)
    part.reset()
    assert part.n == 0
    part.update(probs=[[0.5, 0.25, 0.25]], labels=[0])  # the next rows may be of another kind
    assert part.report().settings.bins == 5


@pytest.mark.parametrize("extra", ["", "weights", "groups", "ignored"])
def test_merged_parts_give_the_report_of_all_rows(extra, small_chunks):
    z = logits_of(1500, 4)
    y = labels_of(softmax(z))
    more: dict[str, np.ndarray] = {}
    also: dict[str, np.ndarray] = {}
    settings = {}
    if extra == "weights":
        more = also = {"weights": RNG.random(1500)}
    if extra == "groups":
        groups = RNG.permutation(1500) % 80
        more, also = {"groups": groups}, {"group": groups}
    if extra == "ignored":
        y[::7] = -1
        settings = {"ignore_index": -1}
    whole = calibeval.evaluate(logits=z, labels=y, **settings, **also)
    cuts = [(0, 330), (330, 330), (330, 1001), (1001, 1500)]  # one has no rows
    parts = [
        fed(64, 4, settings, logits=z[a:b], labels=y[a:b], **{name: one[a:b] for name, one in more.items()})
        for a, b in cuts
    ]
    before = parts[3].report().to_json()
    for part in parts[1:]:
        parts[0].merge(part)
    assert parts[3].report().to_json() == before
    close(parts[0].report().to_dict(), whole.to_dict(), exactly=False)
    assert parts[0].n == whole.dumps[0].n


def test_merging_finds_weights_that_differ_between_parts(small_chunks):
    z = logits_of(400, 3)
    y = labels_of(softmax(z))
    w = np.repeat([1.0, 3.0], 200)
    one, two = (fed(50, 3, logits=z[i], labels=y[i], weights=w[i]) for i in (slice(0, 200), slice(200, 400)))
    one.merge(two)
    close(one.report().to_dict(), calibeval.evaluate(logits=z, labels=y, weights=w).to_dict(), exactly=False)


def test_rows_may_follow_a_merge(small_chunks):
    z = logits_of(600, 3)
    y = labels_of(softmax(z))
    one, two = fed(30, 3, logits=z[:150], labels=y[:150]), fed(30, 3, logits=z[150:400], labels=y[150:400])
    one.merge(two)
    one.update(logits=z[400:], labels=y[400:])
    close(one.report().to_dict(), calibeval.evaluate(logits=z, labels=y).to_dict(), exactly=False)


def test_torch_tensors():
    torch = pytest.importorskip("torch")
    z = torch.randn(300, 4).bfloat16()
    y = torch.randint(0, 4, (300,))
    part = calibeval.Accumulator(4)
    for zs, ys in zip(z.split(64), y.split(64), strict=True):
        part.update(logits=zs, labels=ys)
    assert part.report().to_json() == calibeval.evaluate(logits=z, labels=y).to_json()


def test_without_keys_all_but_equal_mass_bins_is_the_same_and_they_are_told(small_chunks):
    z = logits_of(3000, 5)
    y = labels_of(softmax(z))
    whole = calibeval.evaluate(logits=2 * z, labels=y)
    part = fed(200, 5, {"exact": False}, logits=2 * z, labels=y).report()
    assert part["aece"].reason.code == "from_sums"
    bound = float(re.search(r"within (\S+) points of the value with exact edges", part["aece"].reason)[1]) / 100
    assert abs(part["aece"].value - whole["aece"].value) <= bound < 0.02
    assert {name for name in whole if part[name] != whole[name]} == {"aece"}
    assert part.dumps[0].equal_width == whole.dumps[0].equal_width


def test_groups_without_keys_have_no_interval_of_equal_mass_bins(small_chunks):
    z = logits_of(2000, 3)
    y = labels_of(softmax(z))
    part = fed(200, 3, {"exact": False}, logits=z, labels=y, groups=np.arange(2000) % 90).report()
    assert part["aece"].low is None
    assert "how equal-mass bins vary by groups needs every row" in part["aece"].reason
    assert part["ece"].low is not None


def test_it_can_be_sent_to_another_process():
    part = fed(100, 4, logits=logits_of(250, 4), labels=RNG.integers(0, 4, 250))
    again = pickle.loads(pickle.dumps(part))  # noqa: S301 - it was pickled here
    assert again.report().to_json() == part.report().to_json()


def close(one, other, *, exactly, path=""):
    """The same JSON; numbers may differ by 1e-12 of 1, or of what they are, unless exactly."""
    if isinstance(other, dict):
        assert one.keys() == other.keys(), path
        for key, value in other.items():
            close(one[key], value, exactly=exactly, path=f"{path}.{key}")
    elif isinstance(other, list):
        assert len(one) == len(other), path
        for i, value in enumerate(other):
            close(one[i], value, exactly=exactly, path=f"{path}[{i}]")
    elif exactly or not isinstance(other, float):
        assert one == other, path
    else:
        assert one == pytest.approx(other, rel=1e-9 if path.endswith((".z", ".p", ".lr")) else 1e-11, abs=1e-12), path
