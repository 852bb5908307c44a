"""Sums in which no bin or cell is of few rows, and how far their report may be from that of all bins."""

import json
import re
import zipfile

import numpy as np
import pytest

import calibeval
from calibeval.core.evaluation.small_cells import places_of
from calibeval.core.metrics.table import EVERY
from tests.api.test_accumulator import KEPT

NO_LIMIT = [name for name in KEPT if not EVERY[name].wanted.limits]


def rows(n, k=3, seed=0):
    rng = np.random.default_rng(seed)
    z = 2.5 * rng.normal(size=(n, k))
    return z, (0.7 * z + rng.gumbel(size=(n, k))).argmax(axis=1)


def saved(folder, name, least, z, y, **settings):
    part = calibeval.Accumulator(z.shape[1], **settings)
    part.update(logits=z, labels=y)
    part.save(folder / name, min_cell=least)
    return calibeval.Accumulator.load(folder / name)


@pytest.mark.parametrize(
    ("count", "place"),
    [
        ([3.0, 0.0, 50.0, 12.0, 4.0], [2, 1, 2, 3, 3]),
        ([10.0, 10.0], [0, 1]),
        ([9.0, 10.0], [1, 1]),
        ([9.0, 1.0, 9.0], [0, 0, 0]),
        ([4.0, 4.0, 4.0, 30.0, 1.0], [0, 0, 0, 3, 3]),
        ([0.0, 0.0], [0, 1]),
    ],
)
def test_small_bins_go_to_the_largest_of_their_run(count, place):
    assert places_of(np.array(count), 10).tolist() == place


@pytest.mark.parametrize("least", [2, 10, 40])
@pytest.mark.parametrize("n", [150, 1000, 6000])
def test_no_cell_of_the_file_is_of_fewer_rows(tmp_path, n, least):
    saved(tmp_path, "a.sums", least, *rows(n), metrics=NO_LIMIT, classes=[1])
    arrays = np.load(tmp_path / "a.sums")
    counts = [name for name in arrays.files if name.endswith(".count")]
    assert {"top.count", "classes.count", "cells.count", "curves.top.count", "curves.1.count"} <= {*counts}
    for name in counts:
        count = arrays[name]
        assert count[count > 0].min() >= least, name
        assert count.sum() == n * (3 if name == "classes.count" else 1), name
    assert not [name for name in arrays.files if name.startswith(("keys", "sample", "groups"))]


def test_the_header_tells_of_no_row(tmp_path):
    n = 900
    p = np.array([[0.5, 0.5, 0.0], [0.25, 0.5, 0.25]] * (n // 2))
    y = np.arange(n) % 2
    y[[100, *range(200, 240, 2)]] = 2  # their label has probability 0
    part = calibeval.Accumulator(3)
    part.update(probs=p, labels=y)
    part.save(tmp_path / "a.sums", min_cell=10)
    header = json.loads(zipfile.ZipFile(tmp_path / "a.sums").read("header.json"))
    assert (header["sums"]["impossible_row"], header["sums"]["impossible"]) == (None, 21)
    assert (header["zeros"], header["warnings"], header["groups"]) == ([0, 0], [], None)
    nll = calibeval.Accumulator.load(tmp_path / "a.sums").report()["nll"]
    assert nll.value is None
    assert "21 rows, first in a row that the sums do not tell" in nll.reason


@pytest.mark.parametrize("parts", [1, 4])
@pytest.mark.parametrize("least", [5, 20])
@pytest.mark.parametrize("seed", range(4))
def test_numbers_are_within_what_is_told(tmp_path, parts, least, seed):
    z, y = rows(900, 4, seed=seed)
    every = [saved(tmp_path, f"{i}.sums", least, z[i::parts], y[i::parts]) for i in range(parts)]
    whole, *others = every
    for other in others:
        whole.merge(other)
    found, exact = whole.report(), calibeval.evaluate(logits=z, labels=y)
    for name in ("accuracy", "nll", "brier", "confidence_gap"):
        assert found[name].value == pytest.approx(exact[name].value, abs=1e-12)
    told = [one for one in found.dumps[0].warnings if one.code == "small_cells_joined"]
    ece, cwce = (float(one) / 100 for one in re.findall(r"within (\S+) points", told[0])) if told else (0.0, 0.0)
    assert told or (parts, least) == (1, 5)
    assert ece < 0.3
    assert abs(found["ece"].value - exact["ece"].value) <= ece + 1e-12
    assert abs(found["cwce"].value - exact["cwce"].value) <= cwce + 1e-12
    if found["aece"].value is None:
        assert parts == 4
        assert found["aece"].reason.startswith("sums give no useful bound on it")
        return
    bound = float(re.search(r"within (\S+) points of", found["aece"].reason)[1]) / 100
    assert found["aece"].cell_error <= bound
    assert abs(found["aece"].value - exact["aece"].value) <= bound


def test_nothing_is_told_where_no_row_was_moved(tmp_path):
    p = np.repeat([[0.9, 0.1], [0.3, 0.7]], 60, axis=0)
    part = calibeval.Accumulator(2)
    part.update(probs=p, labels=np.arange(120) % 2)
    part.save(tmp_path / "a.sums", min_cell=10)
    report = calibeval.Accumulator.load(tmp_path / "a.sums").report()
    assert "small_cells_joined" not in [one.code for one in report.dumps[0].warnings]
    assert report["ece"].value == part.report()["ece"].value


def test_what_would_speak_of_few_rows_is_refused(tmp_path):
    z, y = rows(400)
    file = tmp_path / "a.sums"

    def of(z, y, **more):
        part = calibeval.Accumulator(3)
        part.update(logits=z, labels=y, **more)
        return part

    with pytest.raises(calibeval.InputError, match="there are 9 rows, but no sum may be of fewer than 10"):
        of(z[:9], y[:9]).save(file, min_cell=10)
    with pytest.raises(calibeval.UsageError, match="rows with groups cannot be joined"):
        of(z, y, groups=np.arange(400) // 2).save(file, min_cell=10)
    with pytest.raises(calibeval.UsageError, match="rows with weights cannot be joined"):
        of(z, y, weights=1.0 + np.arange(400)).save(file, min_cell=10)
    limited = calibeval.Accumulator(3, metrics="tace")
    limited.update(logits=z, labels=y)
    with pytest.raises(calibeval.UsageError, match="metrics with a limit, such as tace"):
        limited.save(file, min_cell=10)
    with pytest.raises(calibeval.UsageError, match="min_cell cannot be combined with exact"):
        of(z, y).save(file, min_cell=10, exact=True)
    for few, refused in ((9, True), (10, False), (0, False)):
        labels = np.arange(400) % 2
        labels[:few] = 2
        if not refused:
            of(z, labels).save(file, min_cell=10)
            continue
        with pytest.raises(calibeval.InputError, match="9 rows have the label 2, but no sum may be of fewer than 10"):
            of(z, labels).save(file, min_cell=10)
        assert not file.exists()
