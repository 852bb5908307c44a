"""Saved sums with right SHA-256 and false content: refused with the field, or harmless; never a crash."""

import copy
import warnings

import numpy as np
import pytest

import calibeval
from calibeval.core.evaluation.saved import to_saved
from calibeval.writers.sums import sums_file
from tests.api.test_accumulator_files import made

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
    refused = 0
    for i in rng.choice(len(tries), 60, replace=False):
        found = refusal(tmp_path, forged(header, *tries[i]), arrays)
        assert len(found or "") < 500
        refused += found is not None
    assert refused > 30


@pytest.mark.parametrize("kind", SORTS)
@pytest.mark.parametrize("exact", [False, True])
def test_forged_arrays_are_refused_or_harmless(kind, exact, tmp_path):
    header, arrays = saved(kind, exact=exact)
    rng = np.random.default_rng(0)
    for name in rng.permutation([*arrays])[:20]:
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
