"""Several folds at once, the twins in Python of `fit` and `apply`, and folders that could be cases or shards."""

import numpy as np
import pytest

import calibeval
from calibeval.readers.cases.recognised import holds_cases
from tests.cli.invoking import run
from tests.readers.cases.folders import image


@pytest.fixture
def folds(tmp_path):
    marks = tmp_path / "marks"
    marks.mkdir()
    for i in range(12):
        place = tmp_path / "trainer" / f"fold_{i % 3}" / "validation"
        place.mkdir(parents=True, exist_ok=True)
        p, labels = image(i, (4, 8, 9))
        np.savez_compressed(place / f"c{i:02d}.npz", probabilities=p.astype(np.float32))
        np.save(marks / f"c{i:02d}.npy", labels)
    return tmp_path / "trainer" / "fold_*" / "validation", marks


def test_a_pattern_of_folds_is_one_folder(capsys, folds):
    result = run(capsys, "report", folds[0], "--labels", folds[1], "--json")
    assert result.code == 0, result.err
    (dump,) = result.json["dumps"]
    assert dump["per_image"]["images"] == 12
    assert dump["source"]["n"] == 12 * 4 * 8 * 9
    report = calibeval.evaluate(str(folds[0]), labels=folds[1])
    assert report.dumps[0].to_dict()["metrics"] == dump["metrics"]


def test_a_folder_above_folds_names_the_pattern(capsys, folds, tmp_path):
    trainer = tmp_path / "trainer"
    result = run(capsys, "report", trainer, "--labels", folds[1], "--layout", "nnunet")
    assert result.code == 3
    assert "its folds have some: name them all by adding /fold_*/validation, in quotes" in result.err


def test_a_case_that_comes_twice_is_refused(capsys, folds, tmp_path):
    first = tmp_path / "trainer" / "fold_0" / "validation" / "c00.npz"
    (tmp_path / "trainer" / "fold_1" / "validation" / "c00.npz").write_bytes(first.read_bytes())
    result = run(capsys, "report", folds[0], "--labels", folds[1])
    assert result.code == 3
    assert 'the case "c00" comes twice' in result.err


def test_fit_and_apply_in_python(capsys, folds, tmp_path):
    found = calibeval.fit(folds[0], labels=folds[1])
    result = run(capsys, "fit", folds[0], "--labels", folds[1], "-o", tmp_path / "map.json")
    assert result.code == 0, result.err
    assert calibeval.read_map(tmp_path / "map.json").parameters() == found.parameters()
    out = found.apply_to_folder(folds[0], tmp_path / "out")
    written = out / "fold_1" / "validation" / "c01.npz"
    mapped = np.load(written)["probabilities"]
    own = np.load(tmp_path / "trainer" / "fold_1" / "validation" / "c01.npz")["probabilities"]
    expected = own.astype(float) ** (1 / found.temperature)
    np.testing.assert_allclose(mapped, expected / expected.sum(axis=0), rtol=1e-5)
    result = run(capsys, "apply", tmp_path / "map.json", folds[0], "-o", tmp_path / "again")
    assert result.code == 0, result.err
    assert np.array_equal(np.load(tmp_path / "again" / "fold_1" / "validation" / "c01.npz")["probabilities"], mapped)
    before = calibeval.evaluate(folds[0], labels=folds[1])
    after = calibeval.evaluate(tmp_path / "out" / "fold_*" / "validation", labels=folds[1])
    assert after["nll"].value < before["nll"].value
    crossed = calibeval.cross_fit(folds[0], 3, labels=folds[1])
    cases = crossed.predictions.columns["case"]
    assert all(len(set(crossed.folds[cases == one])) == 1 for one in range(12))


def test_before_and_after_a_map_of_other_cases(capsys, folds, tmp_path):
    first, second = (tmp_path / "trainer" / f"fold_{i}" / "validation" for i in (0, 1))
    result = run(capsys, "report", second, "--labels", folds[1], "--fit-on", first, "--json")
    assert result.code == 0, result.err
    after = result.json["dumps"][0]["recalibrated"]
    found = calibeval.fit(first, labels=folds[1])
    assert after["parameters"]["temperature"] == pytest.approx(found.temperature)
    assert after["fitted_on"]["path"] == first.as_posix()
    found.apply_to_folder(second, tmp_path / "mapped")
    own = calibeval.evaluate(tmp_path / "mapped", labels=folds[1]).dumps[0]
    assert after["metrics"]["ece"]["value"] == pytest.approx(own["ece"].value, abs=1e-5)
    assert after["metrics"]["per_image.ece"]["value"] == pytest.approx(own.per_image.numbers["ece"].mean, abs=1e-5)
    found.save(tmp_path / "map.json")
    saved = run(capsys, "report", second, "--labels", folds[1], "--map", tmp_path / "map.json", "--json").json
    assert saved["dumps"][0]["recalibrated"]["metrics"]["nll"] == after["metrics"]["nll"]
    report = calibeval.evaluate(second, labels=folds[1], fit_on=first)
    assert report.dumps[0].recalibrated.metrics["nll"].value == after["metrics"]["nll"]["value"]


def test_cases_that_are_fitted_on_are_refused(capsys, folds, tmp_path):
    first = tmp_path / "trainer" / "fold_0" / "validation"
    words = ["report", first, "--labels", folds[1], "--fit-on", first]
    result = run(capsys, *words)
    assert result.code == 3
    assert "4 cases are among those that the map is fitted on (c00, c03, c06, ...)" in result.err
    allowed = run(capsys, *words, "--allow-leak", "--json")
    assert "leak" in [one["code"] for one in allowed.json["dumps"][0]["warnings"]]


def test_cross_fitting_keeps_cases_together(capsys, folds):
    result = run(capsys, "report", folds[0], "--labels", folds[1], "--cross-fit", "3", "--json")
    assert result.code == 0, result.err
    after = result.json["dumps"][0]["recalibrated"]
    assert after["fitted_on"]["folds"] == 3
    assert after["metrics"]["nll"]["value"] < result.json["dumps"][0]["metrics"]["nll"]["value"]
    crossed = calibeval.cross_fit(folds[0], 3, labels=folds[1])
    report = calibeval.evaluate(crossed.predictions)
    assert after["metrics"]["nll"]["value"] == pytest.approx(report["nll"].value)


def test_what_python_says_of_other_paths(folds, tmp_path):
    found = calibeval.fit(folds[0], labels=folds[1])
    with pytest.raises(calibeval.UsageError, match="is no folder"):
        found.apply_to_folder(tmp_path / "nowhere", tmp_path / "out")
    with pytest.raises(calibeval.UsageError, match="layout nnunet is for a folder of cases"):
        calibeval.fit(calibeval.Predictions(probs=[[0.5, 0.5]], labels=[0]), layout="nnunet")


def written(place, *shapes, probs=True, axis=0):
    """Folders with scores of these shapes, and labels without the axis."""
    scores, labels = place / "scores", place / "labels"
    scores.mkdir()
    labels.mkdir()
    rng = np.random.default_rng(0)
    for i, shape in enumerate(shapes):
        values = rng.random(shape)
        values = values / values.sum(axis=axis, keepdims=True) if probs else values * 9
        np.save(scores / f"s{i}.npy", values)
        np.save(labels / f"s{i}.npy", np.zeros(shape[:axis] + shape[axis + 1 :], np.uint8))
    return scores, labels


@pytest.mark.parametrize(
    ("shapes", "axis", "cases"),
    [
        ([(3, 3, 8, 9), (3, 4, 8, 9)], 0, True),  # the second volume has four slices
        ([(3, 3, 8, 9), (3, 3, 8, 9)], 0, True),  # probabilities sum to 1 along the first axis
        ([(3, 3, 8, 9), (3, 3, 8, 9)], 1, False),  # images of a shard
        ([(3, 3, 8, 9), (5, 3, 8, 9)], 1, False),
        ([(3, 8, 9), (3, 7, 9)], 0, True),
        ([(6, 3), (6, 3)], 1, False),  # rows of tables
        ([(3, 3), (3, 3)], 1, False),
    ],
)
def test_cases_or_shards(tmp_path, shapes, axis, cases):
    assert holds_cases(*written(tmp_path, *shapes, axis=axis)) is cases


def test_files_that_fit_both_ask_for_the_layout(capsys, tmp_path):
    scores, labels = written(tmp_path, (3, 3, 8, 9), (3, 3, 8, 9), probs=False)
    result = run(capsys, "report", scores, "--labels", labels, "--kind", "logits")
    assert result.code == 2
    assert "(3, 3, 8, 9), which fits one case with 3 classes, and 3 images" in result.err
    assert "--layout arrays" in result.err
    words = ["report", scores, "--labels", labels, "--kind", "logits", "--layout", "arrays", "--json"]
    assert run(capsys, *words).json["dumps"][0]["per_image"]["images"] == 2
