"""`evaluate` of tensors that stay where they are gives the report of arrays. Here the device is the CPU."""

import json

import numpy as np
import pytest

import calibeval
from calibeval.core.data import foreign
from calibeval.core.errors import InputError

torch = pytest.importorskip("torch")
from calibeval.devices import scores as device_scores  # noqa: E402 - after torch is known to be there
from calibeval.devices import sums  # noqa: E402

ROWS = 900


@pytest.fixture(autouse=True)
def on_the_processor(monkeypatch):
    """Tensors in memory are added up as tensors, in chunks of few rows and pieces of some more."""
    monkeypatch.setattr(foreign, "DEVICES", {"cpu"})
    monkeypatch.setattr(sums, "CHUNK_ROWS", 130)
    monkeypatch.setattr(device_scores, "PIECE_ROWS", 300)


def dump(k, seed=0):
    rng = np.random.default_rng([k, seed])
    z = rng.normal(size=(ROWS, k)) * 2
    z[::9] = np.round(z[::9])
    z[4, 0] = -np.inf
    p = softmax(z)
    return z, (p.cumsum(axis=1) > rng.random(ROWS)[:, None]).argmax(axis=1)


def softmax(z):
    p = np.exp(z - z.max(axis=1, keepdims=True))
    return p / p.sum(axis=1, keepdims=True)


def differences(one, other, place=""):
    """The numbers of two records that differ, relative to the larger of 1 and the number; and all else that does."""
    if isinstance(one, dict) and isinstance(other, dict) and one.keys() == other.keys():
        return [found for name in one for found in differences(one[name], other[name], f"{place}.{name}")]
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        return [found for i, own in enumerate(one) for found in differences(own, other[i], f"{place}[{i}]")]
    if type(one) is float and type(other) is float:
        return [] if abs(one - other) <= 1e-11 * max(abs(one), 1.0) else [(place, one, other)]
    return [] if one == other else [(place, one, other)]


def check_same_report(tensors, arrays, **settings):
    """The report of tensors is that of arrays."""
    found, expected = (calibeval.evaluate(**given, **settings) for given in (tensors, arrays))
    assert differences(json.loads(expected.to_json()), json.loads(found.to_json())) == []


@pytest.mark.parametrize("k", [2, 3, 90])
@pytest.mark.parametrize("kind", ["logits", "probs", "log_probs"])
def test_a_report_of_tensors_is_that_of_arrays(kind, k):
    z, y = dump(k)
    with np.errstate(divide="ignore"):
        scores = {"logits": z.astype(np.float32), "probs": softmax(z), "log_probs": np.log(softmax(z))}[kind]
    check_same_report({kind: torch.from_numpy(scores), "labels": torch.from_numpy(y)}, {kind: scores, "labels": y})


@pytest.mark.parametrize(
    "settings",
    [
        {"metrics": "all"},
        {"group": np.arange(ROWS) // 7},
        {"weights": np.linspace(0.0, 3.0, ROWS)},
        {"slices": ["class"], "min_rows": 20},
        {"classes": [1, 2]},
        {"convention": "torchmetrics"},
        {"bins": 4, "level": None, "max_memory": 100},
        {"ignore_index": 1},
        {"cross_fit": 3},
        {"metrics": ["ecce", "aurc"], "group": np.arange(ROWS) // 7, "weights": np.linspace(1.0, 3.0, ROWS)},
    ],
    ids="-".join,
)
def test_all_settings_take_tensors(settings):
    z, y = dump(4)
    check_same_report(
        {"logits": torch.from_numpy(z), "labels": torch.from_numpy(y)}, {"logits": z, "labels": y}, **settings
    )


@pytest.mark.parametrize("shape", ["column", "one column", "images"])
def test_other_shapes_are_read_as_before(shape):
    z, y = dump(2)
    if shape == "images":
        z, y = z.reshape(9, 10, 10, 2), y.reshape(9, 10, 10)
    else:
        z = z[:, 1] if shape == "column" else z[:, 1:]
    check_same_report({"logits": torch.from_numpy(z), "labels": torch.from_numpy(y)}, {"logits": z, "labels": y})


def test_bfloat16_tensors_give_the_report_of_the_widened_numbers(monkeypatch):
    z, y = dump(5)
    tensors = {"probs": torch.from_numpy(softmax(z)).bfloat16(), "labels": torch.from_numpy(y)}
    found = calibeval.evaluate(**tensors)
    monkeypatch.setattr(foreign, "DEVICES", set())
    assert differences(json.loads(calibeval.evaluate(**tensors).to_json()), json.loads(found.to_json())) == []


def test_scores_are_not_copied_for_a_report(monkeypatch):
    k = 40
    z, y = dump(k)
    monkeypatch.setattr("calibeval.core.sums.sample.SAMPLE_ROWS", 50)
    monkeypatch.setattr("calibeval.core.sums.sample.SAMPLE_SCORES", 50 * k)
    monkeypatch.setattr("calibeval.core.sums.class_spread.ENOUGH_SCORES", 30 * k)
    copied = []
    before = device_scores._in_memory
    monkeypatch.setattr(device_scores, "_in_memory", lambda values: (copied.append(len(values)), before(values))[1])
    calibeval.evaluate(logits=torch.from_numpy(z), labels=y)
    assert 0 < sum(copied) < 200


@pytest.mark.parametrize("weighted", [False, True])
def test_curves_of_chosen_classes_are_drawn_from_cells_that_were_added_up_there(weighted, monkeypatch):
    z, y = dump(5)
    more = {"weights": np.linspace(0.5, 2.0, ROWS)} if weighted else {}
    copied = []
    before = device_scores._in_memory
    monkeypatch.setattr(device_scores, "_in_memory", lambda values: (copied.append(len(values)), before(values))[1])
    own = calibeval.Predictions(logits=torch.from_numpy(z), labels=y, **more).scores
    found, expected = (
        calibeval.evaluate(calibeval.Predictions(logits=scores, labels=y, **more), classes=[0, 3]).dumps[0]
        for scores in (torch.from_numpy(z), z)
    )
    assert type(own) is device_scores.TensorScores
    for one, other in zip(found.class_views, expected.class_views, strict=True):
        np.testing.assert_allclose(one.curve.confidence, other.curve.confidence, rtol=1e-9)
        np.testing.assert_allclose(one.curve.accuracy, other.curve.accuracy, rtol=1e-9)
    np.testing.assert_allclose(found.curve.accuracy, expected.curve.accuracy, rtol=1e-9)
    assert ROWS <= sum(copied) < ROWS + 100  # all of so few rows are the sample, and the first ones are looked at


def test_values_that_are_wrong_are_refused_in_the_same_words():
    z, y = dump(3)
    p = softmax(z)
    for kind, scores, place, value in (
        ("logits", z, (700, 1), np.nan),
        ("logits", z, (3, 2), np.inf),
        ("logits", z, 500, -np.inf),
        ("probs", p, (700, 1), 0.9),
        ("probs", p, (0, 1), -0.2),
        ("log_probs", np.log(np.maximum(p, 1e-9)), (700, 1), 0.5),
    ):
        wrong = scores.copy()
        wrong[place] = value
        messages = []
        for given in (wrong, torch.from_numpy(wrong)):
            with pytest.raises(InputError) as error:
                calibeval.evaluate(**{kind: given}, labels=y)
            messages.append(str(error.value))
        assert messages[0] == messages[1]


def test_a_chunk_that_is_not_surely_right_is_added_up_in_memory():
    z, y = dump(3)
    p = softmax(z)
    p[350, 0] -= 9.5e-5  # the sum of this row is within the tolerance, but not for sure
    p[10:20] = [1.0 + 1e-9, -1e-9, 0.0]
    y[10:20] = 0
    check_same_report({"probs": torch.from_numpy(p), "labels": y}, {"probs": p, "labels": y})


def test_predictions_of_tensors_can_be_used_everywhere(tmp_path):
    z, y = dump(3)
    own, arrays = calibeval.Predictions(logits=torch.from_numpy(z), labels=y), calibeval.Predictions(logits=z, labels=y)
    assert repr(own) == repr(arrays)
    fitted, expected = calibeval.fit(own), calibeval.fit(arrays)
    assert fitted.temperature == pytest.approx(expected.temperature, rel=1e-10)
    other = calibeval.Predictions(logits=torch.from_numpy(1.2 * z), labels=y)
    found = calibeval.compare(own, other).to_json()
    wanted = calibeval.compare(arrays, calibeval.Predictions(logits=1.2 * z, labels=y)).to_json()
    assert differences(json.loads(wanted), json.loads(found)) == []
    own.save(tmp_path / "own.npz")
    np.testing.assert_array_equal(calibeval.read(tmp_path / "own.npz").scores[0:ROWS], z)


def test_rows_that_are_read_again_are_copied_once():
    tensor = torch.arange(40.0).reshape(20, 2)
    rows = device_scores.TensorScores(tensor)
    np.testing.assert_array_equal(rows.take(np.array([7, 3])), tensor.numpy()[[7, 3]])
    np.testing.assert_array_equal(rows[5:20], tensor.numpy()[5:])
    assert rows._kept is None
    np.testing.assert_array_equal(rows[0:20], tensor.numpy())
    np.testing.assert_array_equal(rows.take(np.array([7, 3])), tensor.numpy()[[7, 3]])
    assert len(rows._kept) == 20
