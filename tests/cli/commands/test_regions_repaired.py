"""Maps of regions that may overlap: each is a dump of two classes, and has a map of its own."""

import json

import numpy as np
import pytest

import calibeval
from tests.cli.invoking import run
from tests.readers.cases.folders import image

ABOUT = {"labels": {"background": 0, "head": [1, 2], "core": 2}, "regions_class_order": [1, 2]}


@pytest.fixture
def folders(tmp_path):
    """Sharpened sigmoids of two regions, (2, z, y, x), in two folders of other cases, and labels."""
    for place in ("one", "two", "marks"):
        (tmp_path / place).mkdir()
        (tmp_path / place / "dataset.json").write_text(json.dumps(ABOUT))
    for i in range(12):
        p, labels = image(i, (3, 9, 10))
        odds = np.stack([p[1] + p[2], p[2]]).clip(1e-6, 1 - 1e-6)
        odds = 1.7 * np.log(odds / (1 - odds))
        place = tmp_path / ("one" if i < 6 else "two")
        np.savez_compressed(place / f"c{i:02d}.npz", probabilities=(1 / (1 + np.exp(-odds))).astype(np.float32))
        (place / f"c{i:02d}.pkl").write_bytes(b"never opened")
        np.save(tmp_path / "marks" / f"c{i:02d}.npy", labels)
    return tmp_path


def channels(folder, number):
    every = [np.load(file)["probabilities"][number].ravel() for file in sorted(folder.glob("*.npz"))]
    return np.concatenate(every).astype(np.float64)


def inside(folder, marks, labels):
    return np.concatenate(
        [np.isin(np.load(marks / f"{one.stem}.npy"), labels).ravel() for one in sorted(folder.glob("*.npz"))]
    )


def test_a_map_is_that_of_the_region_as_two_classes(capsys, folders):
    one, marks = folders / "one", folders / "marks"
    result = run(capsys, "fit", f"{one}#core", "--labels", marks, "-o", folders / "core.json")
    assert result.code == 0, result.err
    own = calibeval.Predictions(probs=channels(one, 1), labels=inside(one, marks, [2]).astype(int))
    expected = calibeval.fit(own).parameters()["temperature"]
    found = calibeval.read_map(folders / "core.json")
    assert found.parameters()["temperature"] == pytest.approx(expected, rel=1e-6)
    assert found.fitted.split == "core"
    assert calibeval.fit(f"{one}#core", labels=marks).parameters() == found.parameters()


def test_it_is_written_into_its_own_channel(capsys, folders):
    one, two, marks = folders / "one", folders / "two", folders / "marks"
    run(capsys, "fit", f"{one}#core", "--labels", marks, "-o", folders / "core.json")
    result = run(capsys, "apply", folders / "core.json", f"{two}#core", "-o", folders / "out")
    assert result.code == 0, result.err
    assert np.array_equal(channels(folders / "out", 0), channels(two, 0))
    p, t = channels(two, 1), calibeval.read_map(folders / "core.json").parameters()["temperature"]
    assert channels(folders / "out", 1) == pytest.approx(1 / (1 + ((1 - p) / p) ** (1 / t)), abs=1e-6)
    assert (folders / "out" / "c06.pkl").read_bytes() == b"never opened"
    before, after = (calibeval.evaluate(place, labels=marks).dumps for place in (two, folders / "out"))
    assert after[1].metrics["nll"].value < before[1].metrics["nll"].value
    assert after[0].metrics["nll"].value == before[0].metrics["nll"].value


def test_reports_show_every_region_after_its_map(capsys, folders):
    one, two, marks = folders / "one", folders / "two", folders / "marks"
    run(capsys, "fit", f"{one}#core", "--labels", marks, "-o", folders / "core.json")
    both = run(capsys, "report", two, "--labels", marks, "--fit-on", one, "--json").json["dumps"]
    assert [dump["name"] for dump in both] == ["two#head", "two#core"]
    core = calibeval.read_map(folders / "core.json").parameters()["temperature"]
    assert both[1]["recalibrated"]["parameters"]["temperature"] == pytest.approx(core)
    assert both[0]["recalibrated"]["parameters"]["temperature"] != pytest.approx(core)
    run(capsys, "apply", folders / "core.json", f"{two}#core", "-o", folders / "out")
    written = calibeval.evaluate(folders / "out", labels=marks).dumps[1]
    assert both[1]["recalibrated"]["metrics"]["ece"]["value"] == pytest.approx(written["ece"].value, abs=1e-5)
    saved = calibeval.evaluate(two, labels=marks, map=folders / "core.json").dumps
    assert [dump.recalibrated is not None for dump in saved] == [False, True]
    crossed = calibeval.evaluate(two, labels=marks, cross_fit=3, method="platt").dumps
    assert all(dump.recalibrated.metrics["nll"].value < dump.metrics["nll"].value for dump in crossed)


@pytest.mark.parametrize(
    ("word", "said"),
    [("one", "a map is for one: "), ("one#cor", 'there is no region "cor" (did you mean "core"?)')],
)
def test_a_region_must_be_named(capsys, folders, word, said):
    result = run(capsys, "fit", folders / word, "--labels", folders / "marks", "-o", folders / "m.json")
    assert result.code == 2
    assert said in result.err
    assert "#head, #core" in result.err
    calibeval.fit(f"{folders / 'one'}#core", labels=folders / "marks").save(folders / "m.json")
    result = run(capsys, "apply", folders / "m.json", folders / word, "-o", folders / "out")
    assert result.code in (2, 4), result.err
