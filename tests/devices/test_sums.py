"""Sums of tensors where they lie: those of numpy to 1e-12, and errors in the same words. Here the device is the CPU."""

import copy
import pickle

import numpy as np
import pytest

import calibeval
from calibeval.core.data import foreign
from calibeval.core.errors import InputError
from calibeval.core.sums.equal_mass import cells_of
from calibeval.core.sums.sample import chosen

torch = pytest.importorskip("torch")
from calibeval.devices import choice, keys, sums  # noqa: E402 - after torch is known to be there
from calibeval.devices.totals import cell_index  # noqa: E402

RNG = np.random.default_rng(23)
ROWS = 900


@pytest.fixture(autouse=True)
def on_the_processor(monkeypatch):
    """Tensors in memory are added up as tensors, in chunks of few rows."""
    monkeypatch.setattr(foreign, "DEVICES", {"cpu"})
    monkeypatch.setattr(sums, "CHUNK_ROWS", 250)


def dump(k, n=ROWS):
    """Logits with ties, equal rows, classes that cannot be and huge numbers; and labels."""
    z = RNG.normal(size=(n, k)) * 3
    z[::7] = np.round(z[::7])  # ties
    z[5:40:5] = z[5]
    z[11, :] = 0.0
    z[13, :-1] = -np.inf
    z[17] *= 1e30
    p = np.exp(z - z.max(axis=1, keepdims=True))
    y = (p.cumsum(axis=1) / p.sum(axis=1, keepdims=True) > RNG.random(n)[:, None]).argmax(axis=1)
    return z, y


def softmax(z):
    p = np.exp(z - z.max(axis=1, keepdims=True))
    return p / p.sum(axis=1, keepdims=True)


def fed(tensors, batch=170, **settings):
    """An accumulator that was given these arrays in batches; tensors: whether as tensors."""

    def fill(**arrays):
        part = calibeval.Accumulator(**settings)
        for start in range(0, len(next(iter(arrays.values()))), batch):
            own = {name: values[start : start + batch] for name, values in arrays.items()}
            part.update(**({name: torch.from_numpy(one.copy()) for name, one in own.items()} if tensors else own))
        assert (part._rows.device is not None) == tensors
        return part

    return fill


def numbers(value):
    """All arrays and numbers of a record of sums, by their places."""
    if value is None or isinstance(value, (str, bool)):
        return {"": value}
    if isinstance(value, (int, float)):
        return {"": np.float64(value)}
    if isinstance(value, np.ndarray):
        return {"": value}
    parts = value._asdict() if hasattr(value, "_asdict") else {n: getattr(value, n) for n in value.__dataclass_fields__}
    return {f"{name}.{place}": one for name, part in parts.items() for place, one in numbers(part).items()}


def check_alike(one, other):
    """Two records of sums are alike to 1e-12 of the largest number of an array, and whole numbers are equal."""
    one, other = numbers(one), numbers(other)
    assert one.keys() == other.keys()
    for place, here in one.items():
        if isinstance(here, (np.ndarray, np.float64)):
            there = np.asarray(other[place])
            assert np.shape(here) == there.shape, place
            scale = np.abs(np.where(np.isfinite(here), here, 0.0)).max(initial=1.0)
            np.testing.assert_allclose(np.divide(there, scale), np.divide(here, scale), rtol=0, atol=1e-12)
        else:
            assert here == other[place], place


def check_same_rows(one, other):
    """Two accumulators hold the same rows."""
    here, there = one._rows.whole(), other._rows.whole()
    check_alike(here.total, there.total)
    assert here.counts == there.counts
    assert (here.even, here.uneven) == (there.even, there.uneven)
    np.testing.assert_array_equal(here.looks.support, there.looks.support)
    assert (here.looks.zeros, here.looks.looked) == (there.looks.zeros, there.looks.looked)
    assert here.looks.order.found() == there.looks.order.found()
    for name, cells in here.curves.cells.items():
        check_alike(cells, there.curves.cells[name])
    mine, theirs = (np.concatenate([part.scores for part in rows.sample.parts]) for rows in (here, there))
    np.testing.assert_array_equal(mine, theirs)
    check_alike(here.keys.equal_mass(15), there.keys.equal_mass(15))


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("k", [2, 3, 10, 300])
@pytest.mark.parametrize("kind", ["logits", "probs", "log_probs"])
def test_sums_of_tensors_are_those_of_arrays(kind, k, weighted):
    z, y = dump(k)
    with np.errstate(divide="ignore"):
        scores = {"logits": z, "probs": softmax(z).astype(np.float32), "log_probs": np.log(softmax(z))}[kind]
    arrays = {kind: scores, "labels": y} | ({"weights": RNG.random(ROWS) + 0.1} if weighted else {})
    classes = [1, 2] if k > 2 else []
    found = [fed(tensors, classes=classes)(**arrays) for tensors in (False, True)]
    check_same_rows(*found)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
@pytest.mark.parametrize("kind", ["logits", "log_probs", "probs"])
def test_types_of_numbers_are_those_of_arrays(kind, dtype, monkeypatch):
    z = torch.from_numpy(np.clip(RNG.normal(size=(400, 5)) * 2, -9, 9))
    scores = {"logits": z, "probs": z.softmax(1), "log_probs": z.log_softmax(1)}[kind].to(getattr(torch, dtype))
    y = torch.multinomial(z.softmax(1), 1, generator=torch.Generator().manual_seed(3)).squeeze(1)
    part = calibeval.Accumulator()
    part.update(**{kind: scores}, labels=y)
    assert part._rows.device is not None
    monkeypatch.setattr(foreign, "DEVICES", set())
    whole = calibeval.evaluate(**{kind: scores}, labels=y)
    for name, result in part.report().dumps[0].metrics.items():
        expected = whole[name].value
        assert result.value == (None if expected is None else pytest.approx(expected, rel=1e-11, abs=1e-13)), name


def test_ignored_rows_and_rows_of_weight_0_are_left_out():
    z, y = dump(4)
    y[::3] = -100
    weights = np.where(np.arange(ROWS) % 5 == 0, 0.0, 2.5)
    z[0] = np.nan  # of an ignored row
    found = [fed(tensors, ignore_index=-100)(logits=z, labels=y, weights=weights) for tensors in (False, True)]
    check_same_rows(*found)
    assert found[1]._rows.whole().counts.zero == 120


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(("kind", "k"), [("logits", 3), ("probs", 4), ("logits", 90)])
def test_groups_that_are_found_on_the_way(kind, k, weighted):
    z, y = dump(k)
    z[13], y[20:30] = 0.0, -1
    scores = z if kind == "logits" else softmax(z)
    names = np.sqrt(np.arange(ROWS)).astype(int) % 21 + 100 * (np.arange(ROWS) > 600)
    arrays = {kind: scores, "labels": y, "groups": names}
    arrays |= {"weights": RNG.random(ROWS) + 0.1} if weighted else {}
    one, other = (fed(tensors, ignore_index=-1)(**arrays) for tensors in (False, True))
    check_same_rows(one, other)
    here, there = one._rows.whole(), other._rows.whole()
    (groups, places), (found, found_places) = here.groups.final(), there.groups.final()
    assert groups.counted == found.counted
    keys = [
        rows.keys.codes if rows.keys.codes is None else p[rows.keys.codes]
        for rows, p in ((here, places), (there, found_places))
    ]
    np.testing.assert_array_equal(*keys)
    joints = [rows.groups.joints(rows.measurement().sums, rows.keys, weighted=weighted) for rows in (here, there)]
    check_alike(*[joint.rows for joint in joints])
    for name in ("top", "mass", "classes"):
        assert (getattr(joints[0], name) is None) == (getattr(joints[1], name) is None)
    for name, result in one.report().dumps[0].metrics.items():
        own = other.report().dumps[0].metrics[name]
        for part in ("value", "low", "high"):
            expected = getattr(result, part)
            assert getattr(own, part) == (None if expected is None else pytest.approx(expected, rel=1e-8, abs=1e-11))


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(("kind", "k"), [("logits", 2), ("probs", 5), ("logits", 70)])
def test_what_metrics_on_request_need(kind, k, weighted):
    z, y = dump(k)
    scores = z if kind == "logits" else softmax(z).astype(np.float32)
    arrays = {kind: scores, "labels": y} | ({"weights": RNG.random(ROWS) + 0.1} if weighted else {})
    one, other = (fed(tensors, metrics="all")(**arrays) for tensors in (False, True))
    here, there = one._rows.whole().second, other._rows.whole().second
    assert here.ranks.keys() == there.ranks.keys()
    assert here.small.keys() == there.small.keys()
    for place, sums_there in (*here.ranks.items(), *here.small.items()):
        check_alike(sums_there, {**there.ranks, **there.small}[place])
    metrics, own = (part.report().dumps[0].metrics for part in (one, other))
    for name, result in metrics.items():
        expected = result.value
        assert own[name].value == (None if expected is None else pytest.approx(expected, rel=1e-10, abs=1e-12)), name


def test_a_label_of_probability_0_is_named_by_its_row():
    z, y = dump(3)
    y[13], z[400, 1], y[400] = 0, -np.inf, 1
    found = [fed(tensors)(logits=z, labels=y) for tensors in (False, True)]
    check_same_rows(*found)
    assert found[1]._rows.whole().total.impossible_row == 13


def test_many_rows_are_kept_in_cells(monkeypatch):
    monkeypatch.setattr(keys, "MOST_KEPT", 600)
    monkeypatch.setattr("calibeval.core.sums.running_keys.MOST_KEPT", 600)
    z, y = dump(3)
    for settings in ({}, {"exact": False}):
        found = [fed(tensors, **settings)(logits=z, labels=y) for tensors in (False, True)]
        assert not found[1]._rows.whole().keys.kept
        check_same_rows(*found)


def test_weights_that_become_different_and_arrays_between_tensors():
    z, y = dump(3)
    weights = np.where(np.arange(ROWS) < 500, 2.0, RNG.random(ROWS) + 0.5)
    mixed = calibeval.Accumulator()
    for start in range(0, ROWS, 100):
        here = slice(start, start + 100)
        batch = {"logits": z[here], "labels": y[here], "weights": weights[here]}
        as_tensors = {name: torch.from_numpy(one.copy()) for name, one in batch.items()}
        mixed.update(**(batch if start in {0, 300, 800} else as_tensors))
    check_same_rows(fed(False)(logits=z, labels=y, weights=weights), mixed)


def test_rows_may_follow_a_report_and_a_tensor_may_be_written_again():
    z, y = dump(3)
    part, room = calibeval.Accumulator(), torch.empty(100, 3, dtype=torch.float64)
    for start in range(0, ROWS, 100):
        room.copy_(torch.from_numpy(z[start : start + 100]))
        part.update(logits=room, labels=y[start : start + 100])
        assert part.n == start + 100
        part.report()
    check_same_rows(fed(False)(logits=z, labels=y), part)


def test_batches_may_come_in_inference_mode_and_out_of_it_with_gradients_or_without():
    z, y = dump(3)
    part, scale = calibeval.Accumulator(), torch.ones(1, dtype=torch.float64, requires_grad=True)
    for start in range(0, ROWS, 100):
        with torch.inference_mode(mode=start % 200 == 0):
            scores = torch.from_numpy(z[start : start + 100]) * scale
            part.update(logits=scores, labels=torch.from_numpy(y[start : start + 100].copy()))
        part.report()
    assert part._rows.device is not None
    check_same_rows(fed(False)(logits=z, labels=y), part)


def test_merging_pickling_and_saving_take_all_rows(tmp_path):
    z, y = dump(3)
    whole = fed(False)(logits=z, labels=y)
    first, second = (fed(True)(logits=z[here], labels=y[here]) for here in (slice(0, 400), slice(400, None)))
    first.merge(pickle.loads(pickle.dumps(second)))  # noqa: S301 - of its own
    for part in (first, copy.deepcopy(first)):
        check_alike(whole._rows.whole().total, part._rows.whole().total)
    first.save(tmp_path / "all.sums")
    assert calibeval.Accumulator.load(tmp_path / "all.sums").n == ROWS


def test_scores_in_the_same_order_in_all_rows_are_found():
    z = -np.sort(-RNG.normal(size=(200, 6)), axis=1)
    y = RNG.integers(6, size=200)
    errors = []
    for tensors in (False, True):
        with pytest.raises(InputError, match="fall from left to right") as error:
            fed(tensors)(logits=z, labels=y).report()
        errors.append(str(error.value))
    assert errors[0] == errors[1]


def refused(part, **batch):
    """The error about a batch, which comes at once or when rows are counted."""
    try:
        part.update(**batch)
        return str(part.n)
    except InputError as error:
        return str(error)


@pytest.mark.parametrize(
    ("kind", "change", "label"),
    [
        ("logits", lambda z: z.__setitem__((3, 1), np.nan), None),
        ("logits", lambda z: z.__setitem__((3, 1), np.inf), None),
        ("logits", lambda z: z.__setitem__(3, -np.inf), None),
        ("probs", lambda p: p.__setitem__(3, [0.9, 0.9, 0.1]), None),
        ("probs", lambda p: p.__setitem__((3, 1), np.nan), None),
        ("log_probs", lambda z: z.__setitem__((3, 1), 2.0), None),
        ("logits", lambda _: None, 7),
        ("logits", lambda _: None, -1),
    ],
)
def test_what_is_refused_is_refused_in_the_same_words_and_nothing_is_added(kind, change, label):
    z, y = RNG.normal(size=(20, 3)), RNG.integers(3, size=20)
    scores = {"logits": z, "probs": softmax(z), "log_probs": np.log(softmax(z))}[kind]
    wrong, labels = scores.copy(), y.copy()
    change(wrong)
    labels[5] = y[5] if label is None else label
    messages = []
    for as_given in (np.asarray, torch.from_numpy):
        part = calibeval.Accumulator()
        part.update(**{kind: as_given(scores)}, labels=as_given(y))
        messages.append(refused(part, **{kind: as_given(wrong)}, labels=as_given(labels)))
        assert part.n == 20
    assert messages[0] == messages[1]
    assert messages[1].startswith("batch 2: row 2")


@pytest.mark.parametrize("size", [20, 60])
def test_a_wrong_batch_among_those_that_wait_is_named_and_all_others_are_added(size):
    z, y = dump(3)
    wrong = {3: (torch.tensor(z[:size] * np.nan), y[:size]), 7: (torch.tensor(z[:size]), y[:size] + 3)}
    part, rows, errors, start = calibeval.Accumulator(), [], [], 0
    for number in range(1, 12):
        scores, labels = wrong.get(number, (torch.tensor(z[start : start + size]), y[start : start + size]))
        if number not in wrong:
            rows.append(slice(start, start + size))
            start += size
        try:
            part.update(logits=scores, labels=torch.tensor(labels))
        except InputError as error:
            errors.append(str(error))
        scores.fill_(0.0)  # the tensors may be written again
    while len(errors) < 2:
        with pytest.raises(InputError) as error:
            part.report()
        errors.append(str(error.value))
    assert [error.partition(":")[0] for error in errors] == ["batch 3", "batch 6"]  # refused ones are not counted
    check_same_rows(fed(False)(logits=z[:start], labels=y[:start]), part)
    assert (part._rows.batches, part.n) == (9, 9 * size)


def test_batches_that_wait_are_looked_at_once_a_chunk(monkeypatch):
    z, y = dump(3)
    looks = []
    monkeypatch.setattr(sums, "all_right", lambda *given: looks.append(len(given[1])) or True)
    fed(True, batch=30)(logits=z, labels=y)._rows.whole()
    assert looks == [210, 240, 240, 180]  # after the first batch, which is looked at when it comes; chunks of 250 rows


def test_the_rows_that_a_temperature_is_fitted_on_are_those_of_the_core():
    for first in (0, 2**31 - 500, 2**32 - 500, 2**33 + 7):
        n = first + 1000
        own = choice.chosen_places(first, 1000, n, n // 7, torch.device("cpu")).numpy()
        np.testing.assert_array_equal(own + first, chosen(first, 1000, n, n // 7))


def test_batches_of_another_sort_are_refused_as_arrays_are():
    z, y = dump(3, 30)
    messages = []
    for as_given in (np.asarray, torch.from_numpy):
        part = calibeval.Accumulator()
        part.update(logits=as_given(z), labels=as_given(y))
        found = []
        for wrong in (
            {"probs": softmax(z)},
            {"logits": np.repeat(z, 2, axis=1)},
            {"logits": z, "weights": np.ones(30)},
        ):
            with pytest.raises((InputError, calibeval.UsageError)) as error:
                part.update(**{name: as_given(one) for name, one in wrong.items()}, labels=as_given(y))
            found.append(str(error.value))
        messages.append(found)
    assert messages[0] == messages[1]


def test_cells_are_those_of_the_core():
    p = np.concatenate([RNG.random(500), 10.0 ** -RNG.uniform(0, 300, 100), [0.0, 0.5, 1.0, 1.0 - 2.0**-53]])
    tensor = torch.from_numpy(p)
    from calibeval.core.sums import cells  # noqa: PLC0415 - beside the tensor's

    np.testing.assert_array_equal(cell_index(tensor).numpy(), cells.cell_index(p))
    bits = p.view(np.int64)
    np.testing.assert_array_equal(keys._cells_of(torch.from_numpy(bits)).numpy(), cells_of(bits.copy(), 12))
