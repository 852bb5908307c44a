"""Metrics of ordered confidences from sums of cells, of rows that are not kept: within what they say of single rows."""

import numpy as np
import pytest

import calibeval
from calibeval.core.data.notices import NotComputable
from calibeval.core.metrics.of_pairs import OfPairs
from calibeval.core.metrics.requested import REQUESTED
from calibeval.core.metrics.table import EVERY
from calibeval.core.sums.fine_pairs import pairs_of_sums
from calibeval.core.sums.key_cells import cell_sums_of
from calibeval.core.sums.pairs import Pairs

NAMES = [name for name, metric in REQUESTED.items() if isinstance(metric, OfPairs)]
NAMES += ["citl", "coverage@error=0.1", "coverage@error=0.3"]
AREAS = ["auroc", "aurc", "eaurc", "augrc"]


def drawn(kind, seed):
    rng = np.random.default_rng(seed)
    n = int(rng.choice([60, 400, 4000]))
    if kind in ("one cell", "near 1"):
        c = 0.75 + 1e-5 * rng.random(n) if kind == "one cell" else 1.0 - 10.0 ** (-12 * rng.random(n))
        return {"confidence": c, "correct": rng.random(n) < c}
    z = 3.0 * rng.normal(size=(n, 4))
    y = (0.7 * z + rng.gumbel(size=z.shape)).argmax(axis=1)
    p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    if kind == "two digits":
        p = np.maximum(np.round(p[:, 1:], 2), 0.01)
        p = np.column_stack([1.0 - p.sum(axis=1), p])
        p = np.where((p < 0.0).any(axis=1, keepdims=True), 0.25, p)
    return {
        "logits": {"logits": z, "labels": y},
        "whole logits": {"logits": np.round(z), "labels": y},
        "float32": {"logits": (8 * z).astype(np.float32), "labels": y},
        "two digits": {"probs": p, "labels": y},
    }[kind]


def both(rows, metrics=NAMES):
    """The reports of single rows, and of cells."""
    found = []
    for exact in (True, False):
        part = calibeval.Accumulator(metrics=metrics, level=None, exact=exact)
        part.update(**rows)
        found.append(part.report())
    return found


def metric_of(name):
    metric = EVERY[name]
    assert isinstance(metric, OfPairs)
    return metric


def of_pairs(name, pairs):
    try:
        return metric_of(name).of_pairs(pairs)
    except NotComputable:
        return None


@pytest.mark.parametrize("kind", ["one cell", "near 1", "logits", "whole logits", "float32", "two digits"])
def test_values_of_cells_are_as_near_as_they_say(kind):
    for seed in range(6):
        found = []
        for exact in (True, False):
            part = calibeval.Accumulator(metrics=NAMES, level=None, exact=exact)
            part.update(**drawn(kind, seed))
            found.append(part._rows.measurement(None).sums.pairs)
        for name in NAMES[:-3] + NAMES[-2:]:
            one, other = (of_pairs(name, pairs) for pairs in found)
            assert (one is None) == (other is None), (name, seed)
            if one is None:
                continue
            error = metric_of(name).cell_error(found[1])
            assert (error is None) == (name == "emax")
            assert error is None or abs(one - other) <= error + 1e-9 * max(1.0, abs(one)), (name, seed)


@pytest.mark.parametrize("order", ["right first", "wrong first"])
def test_the_extreme_orders_within_cells_are_within_the_bound(order):
    rng = np.random.default_rng(3)
    c = np.sort(np.repeat(np.arange(0.5, 1.0, 0.05), 100) + 1e-5 * rng.random(1000))
    right = rng.random(1000) < 0.8
    rank = np.lexsort((right if order == "right first" else ~right, np.repeat(np.arange(10), 100)))
    rows, cells = both({"confidence": c, "correct": right[rank]}, [*AREAS, "ecce", "ks", "citl", "coverage@error=0.3"])
    for name in (*AREAS, "ecce", "ks", "coverage@error=0.3"):
        assert abs(rows[name].value - cells[name].value) <= cells[name].cell_error + 1e-12, name
    assert abs(rows["auroc"].value - cells["auroc"].value) > 0.01
    assert abs(rows["citl"].value - cells["citl"].value) <= cells["citl"].cell_error


def test_the_bound_is_small_on_ordinary_dumps():
    for name in ("digits_val.npz", "digits_test.npz"):
        dump = calibeval.read(f"sample_data/{name}")
        rows = {"logits": np.asarray(dump.scores[:]), "labels": np.asarray(dump.labels)}
        single, cells = both(rows, [*AREAS, "ecce", "ks", "spiegelhalter", "smece"])
        for metric in (*AREAS, "ecce", "ks", "spiegelhalter", "smece"):
            assert cells[metric].cell_error <= 1e-3, metric
            assert cells[metric].value == pytest.approx(single[metric].value, abs=1e-3)
        points = [[(p.coverage, p.risk) for p in one["aurc"].curve] for one in (single, cells)]
        assert np.allclose(*points, atol=2 / 600)  # a point may have one row more, which shares a cell


def test_rows_that_are_alone_or_two_in_a_cell_are_known():
    c = np.array([0.75, 0.75 + 1e-6, 0.9, 1.0, 1.0])
    right = np.array([True, False, True, True, False])
    keys = (c.view(np.uint64) << np.uint64(1)) | right.astype(np.uint64)
    found, rows = pairs_of_sums(cell_sums_of(keys)), Pairs.of(c, right)
    assert found.confidence.tolist() == rows.confidence.tolist()
    assert found.ends.tolist() == rows.ends.tolist() == [0, 1, 2, 4]
    assert not found.width.any()


def test_confidences_that_tie_within_the_slack_tie_in_cells_too():
    step = 2.0**-42
    c = 1.0 - step * np.array([3.0, 2.0, 1.0, 40.0, 60.0])
    keys = (c.view(np.uint64) << np.uint64(1)) | np.array([1, 0, 1, 1, 0], np.uint64)
    found = pairs_of_sums(cell_sums_of(keys), slack=step)
    assert found.ranking.rows.tolist() == [3.0, 1.0, 1.0]
    assert found.ranking.wrong.tolist() == [1.0, 0.0, 1.0]


def test_what_cells_do_not_tell_is_null_with_the_reason():
    rows = drawn("logits", 0)
    _, cells = both(rows)
    assert (cells["emax"].value, cells["emax"].reason.code) == (None, "rows_not_kept")
    n = len(rows["labels"])
    _, weighted = both({**rows, "weights": np.random.default_rng(1).random(n) + 0.1})
    assert (weighted["ecce"].value, weighted["ecce"].reason.code) == (None, "rows_not_kept")
    _, grouped = both({**rows, "groups": np.arange(n) // 5})
    assert grouped["auroc"].value == pytest.approx(cells["auroc"].value, abs=0.0)
    assert grouped["coverage@error=0.3"].reason.code == "dependent_rows"


def test_files_of_cells_are_merged_and_joined_cells_give_no_order(tmp_path):
    rows = drawn("logits", 1)
    single, _ = both(rows, AREAS)
    n = len(rows["labels"])
    for i, here in enumerate((slice(0, n // 3), slice(n // 3, None))):
        part = calibeval.Accumulator(metrics=AREAS)
        part.update(**{name: values[here] for name, values in rows.items()})
        part.save(tmp_path / f"{i}.sums")
        part.save(tmp_path / f"small-{i}.sums", min_cell=2)
    whole, other = (calibeval.Accumulator.load(tmp_path / f"{i}.sums") for i in range(2))
    whole.merge(other)
    for name in AREAS:
        found = whole.report()[name]
        assert abs(found.value - single[name].value) <= found.cell_error + 1e-12
        assert found.low < found.value < found.high
    small = calibeval.Accumulator.load(tmp_path / "small-0.sums").report()
    assert (small["auroc"].value, small["auroc"].reason.code) == (None, "rows_not_kept")
