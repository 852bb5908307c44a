"""Saved sums with right SHA-256 and false content: refused with the field, or harmless; never a crash."""

import copy
import re
import warnings
import zipfile

import numpy as np
import pytest

import calibeval
from calibeval.core.evaluation.saved import to_saved
from calibeval.core.metrics.table import EVERY
from calibeval.writers.sums import sums_file
from tests.api.test_accumulator_files import made
from tests.draws import draws

VALUES = [None, True, -1, 7, 0.5, 1e300, 10**30, "x", "nan", "inf", [], [1], {}, {"a": 1}, [None] * 3]
NUMBERS = [np.nan, np.inf, -np.inf, -1.0, 0.5, 1e9, 1e300]
SORTS = ["plain", "weights", "numbers of groups", "all metrics", "top label", "images", "rounded", "impossible"]


def saved(kind="plain", *, exact=False):
    part, _ = made(kind, n=300)
    return to_saved(part._rows, exact=exact)


def leaves(value, path=()):
    """The paths of all fields, of containers too."""
    if path:
        yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value[:3]) if isinstance(value, list) else ()
    for key, below in inner:
        yield from leaves(below, (*path, key))


def forged(header, path, value):
    header = copy.deepcopy(header)
    *outer, last = path
    place = header
    for key in outer:
        place = place[key]
    place[last] = value
    return header


def read(folder, header, arrays):
    file = folder / "a.sums"
    file.write_bytes(sums_file(header, arrays))
    return calibeval.Accumulator.load(file)


def refusal(folder, header, arrays):
    """The message; None if what came can be used, for a report and for further rows."""
    try:
        part = read(folder, header, arrays)
    except calibeval.InputError as error:
        return str(error)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            report = part.report()
        except calibeval.InputError as error:
            return str(error)
        assert report.to_json()
        assert str(report)
        assert np.isfinite(report["accuracy"].value)
        assert 0.0 <= report["accuracy"].value <= 1.0
        whole = calibeval.Accumulator.load(folder / "a.sums")
        try:
            whole.merge(read(folder, *forged_none))
        except calibeval.UsageError:
            return None
        assert whole.report().to_json()
    return None


forged_none = saved()


@pytest.mark.parametrize("kind", SORTS)
@pytest.mark.parametrize("exact", [False, True])
def test_forged_fields_are_refused_or_harmless(kind, exact, tmp_path):
    header, arrays = saved(kind, exact=exact)
    assert refusal(tmp_path, header, arrays) is None
    rng = np.random.default_rng(0)
    tries = [(path, value) for path in leaves(header) for value in VALUES if path[0] not in ("schema", "version")]
    refused, count = 0, draws(30)
    for i in rng.permutation(len(tries))[:count]:
        found = refusal(tmp_path, forged(header, *tries[i]), arrays)
        assert len(found or "") < 500
        refused += found is not None
    assert refused > min(count, len(tries)) / 2


@pytest.mark.parametrize("kind", SORTS)
@pytest.mark.parametrize("exact", [False, True])
def test_forged_arrays_are_refused_or_harmless(kind, exact, tmp_path):
    header, arrays = saved(kind, exact=exact)
    rng = np.random.default_rng(0)
    for name in rng.permutation([*arrays])[: draws(10)]:
        own = arrays[name].copy()
        value = NUMBERS[rng.integers(len(NUMBERS))]
        with np.errstate(invalid="ignore", over="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if own.size:
                own.flat[rng.integers(own.size)] = np.array(value).astype(own.dtype)
        refusal(tmp_path, header, {**arrays, name: own})
        for other in (own[:0], own[:-1], own[None], own.astype(np.complex128), own.astype("U8"), None):
            less = {key: one for key, one in arrays.items() if key != name}
            found = refusal(tmp_path, header, less if other is None else {**less, name: other})
            assert found is not None or name.endswith(("weights", "codes")) or other is not None


GROSS = [np.nan, np.inf, 1e300, "nan", "inf"]
SETTLED = ("schema", "version", "settings", "k", "metrics", "options", "groups")  # no sums of rows


def numbers(value, path=()):
    """The paths of all numbers."""
    if isinstance(value, dict | list):
        for key, below in value.items() if isinstance(value, dict) else enumerate(value):
            yield from numbers(below, (*path, key))
    elif isinstance(value, int | float) and not isinstance(value, bool) and path[0] not in SETTLED:
        yield path


def outcome(folder, header, arrays):
    """The message of the refusal, and the report."""
    try:
        content = sums_file(header, arrays)
    except ValueError as error:  # JSON has no NaN
        return str(error), None
    (folder / "a.sums").write_bytes(content)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            return None, calibeval.Accumulator.load(folder / "a.sums").report()
        except calibeval.InputError as error:
            return str(error), None


def check_in_range(report):
    """Whatever came is what some rows have."""
    assert "NaN" not in report.to_json()
    for name, metric in report.items():
        least, most = EVERY[name].least, EVERY[name].most
        for value in (metric.value, metric.low, metric.high):
            assert value is None or least - 1e-9 <= value <= (np.inf if most is None else most + 1e-9), name


def mutated(rng, header, arrays):
    """One number changed; whether grossly."""
    paths = list(numbers(header))
    place = rng.integers(len(paths) + len(arrays))
    grossly = rng.random() < 0.6
    n = header["counts"]["n"]
    value = GROSS[rng.integers(len(GROSS))] if grossly else [-1, n + 1][rng.integers(2)]
    if place < len(paths):
        return forged(header, paths[place], value), arrays, grossly
    name = [*arrays][place - len(paths)]
    own = arrays[name].copy()
    value = float(value) if isinstance(value, str) else value
    if own.size and own.dtype.kind == "f" and rng.random() < 0.7:
        with np.errstate(over="ignore"):
            own.flat[rng.integers(own.size)] = np.array(value).astype(own.dtype)
    else:
        grossly = False
        own = rng.permutation(own.ravel()).reshape(own.shape)
    return header, {**arrays, name: own}, grossly


@pytest.mark.parametrize("kind", [*SORTS, "groups", "one column"])
@pytest.mark.parametrize("exact", [False, True])
def test_a_changed_number_is_refused_or_makes_the_report_of_other_rows(kind, exact, tmp_path):
    header, arrays = saved(kind, exact=exact)
    rng = np.random.default_rng(3)
    whole = outcome(tmp_path, header, arrays)[1]
    assert whole is not None
    refused, count = 0, draws(20)
    for _ in range(count):
        *other, grossly = mutated(rng, header, arrays)
        message, report = outcome(tmp_path, *other)
        refused += message is not None
        if report is not None and report.to_json() != whole.to_json():
            assert not grossly
            check_in_range(report)
        assert len(message or "") < 500
    assert refused > count / 2


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("sums", "brier", 1), 1e300, r"sums.brier sums to \S+ with squares 1e\+300, which no 300 numbers do"),
        (("sums", "nll", 1), 1e300, r"sums.nll sums to \S+ with squares 1e\+300, which no 300 numbers do"),
        (("sums", "brier", 0), 1.0, r"sums.brier"),
        (("uneven",), [], "uneven is an empty list|uneven is"),
        (("sums", "risk"), 1e9, r"sums.risk is 1000000000.0, but a sum from 0 to"),
        (("sums", "risk"), -99.0, r"sums.risk is -99.0, but a sum from 0 to"),
        (("sums", "excess", 1), 1e4, r"sums.excess\[1\] is 10000.0, but a variance from 0 to"),
        (("sampled", 1), 299, r"sampled\[1\] is 299, but at most the \d+ wrong rows are needed"),
        (("zeros", 1), 301, r"zeros\[1\]"),
        (("counts", "images"), 3, "counts.images is 3, but 0, since rows are no pixels, is needed"),
    ],
)
def test_totals_that_no_rows_have_are_named(path, value, message, tmp_path):
    header, arrays = saved()
    found = outcome(tmp_path, forged(header, path, value), arrays)[0]
    assert re.search(message, found or ""), found


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("cells", lambda own: own + 1, "cells.p"),
        ("cells.pp", lambda own: own * 1.01, "cells.pp"),
        ("top.yp", lambda own: own[::-1], "top.yp"),
        (
            "classes.pp",
            lambda own: own + 0.01,
            r"(sums.brier adds up to .* what the sums of classes make|classes\.pp\[)",
        ),
        ("curves.top.p", lambda own: own[::-1], r"curves.top.p"),
        ("curves.top.squares", lambda own: own[::-1], r"curves.top.squares"),
        ("temperatures", lambda own: own[::-1], "temperatures: slope"),
        ("temperatures", lambda own: 1e299 * own, "temperatures"),
        ("temperatures", lambda own: own + np.eye(5)[2] * 50.0, "temperatures tell .* third cumulant"),
        ("support", lambda own: own[::-1], "classes.y"),
    ],
)
def test_arrays_that_no_rows_have_are_named(name, change, message, tmp_path):
    header, arrays = saved()
    found = outcome(tmp_path, header, {**arrays, name: change(arrays[name])})[0]
    assert re.search(f"that can be read: {message}", found or ""), found


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8"])
@pytest.mark.parametrize("scale", [0.0, 1.0, 1000.0])
@pytest.mark.parametrize("weights", [None, "wide"])
def test_sums_of_rows_are_taken_whatever_their_type_and_size(dtype, scale, weights, tmp_path):
    rng = np.random.default_rng(7)
    z = scale * rng.normal(size=(400, 5))
    p = np.exp(z - z.max(axis=1, keepdims=True))
    p = (p / p.sum(axis=1, keepdims=True)).astype(dtype)
    extra = {} if weights is None else {"weights": 10.0 ** rng.integers(-9, 9, 400)}
    y = (z + rng.gumbel(size=z.shape)).argmax(axis=1)
    for exact in (False, True):
        for i, here in enumerate((slice(0, 150), slice(150, None))):
            part = calibeval.Accumulator(5, exact=exact)
            part.update(probs=p[here], labels=y[here], **{name: own[here] for name, own in extra.items()})
            part.save(tmp_path / f"{i}.sums", exact=exact)
        whole = calibeval.Accumulator.load(tmp_path / "0.sums")
        whole.merge(calibeval.Accumulator.load(tmp_path / "1.sums"))
        whole.save(tmp_path / "2.sums", exact=exact)
        assert calibeval.Accumulator.load(tmp_path / "2.sums").n == 400


def test_members_that_are_not_known_are_refused_unread(tmp_path, monkeypatch):
    """Also a member that is known, but larger than the rows of the header need."""
    part = calibeval.Accumulator(3)
    part.update(logits=np.random.default_rng(0).normal(size=(50, 3)), labels=np.arange(50) % 3)
    part.save(tmp_path / "a.sums")
    whole = zipfile.ZipFile(tmp_path / "a.sums")
    read, opened = [], zipfile.ZipFile.read
    monkeypatch.setattr(zipfile.ZipFile, "read", lambda self, name: (read.append(name), opened(self, name))[1])
    for name, message in (
        ("extra.npy", "the member extra.npy is none of saved sums"),
        ("top.count.npy", "the member top.count.npy says to have 4,194,304 bytes, more than 50 rows need"),
    ):
        with zipfile.ZipFile(tmp_path / "b.sums", "w", zipfile.ZIP_DEFLATED) as file:
            for one in whole.namelist():
                file.writestr(one, opened(whole, one)) if one != name else None
            file.writestr(name, bytes(2**22))
        read.clear()
        with pytest.raises(calibeval.InputError, match=message):
            calibeval.Accumulator.load(tmp_path / "b.sums")
        assert read == ["header.json"]
