"""`compare` and `gate` on folders of cases: cases are the units, pooled pixels and means over images side by side."""

import csv
import json

import numpy as np
import pytest

import calibeval
from calibeval.core.uncertainty.special import student_quantile
from calibeval.words.images import image_finding
from tests.cli.invoking import run
from tests.readers.cases.folders import image

N = 14


def ece(p, labels, bins=15):
    """The expected calibration error by hand."""
    top, right = p.max(axis=0).ravel(), (p.argmax(axis=0) == labels).ravel()
    where = np.clip(np.ceil(top * bins).astype(int) - 1, 0, bins - 1)
    gaps = [abs((right - top)[where == one].sum()) for one in range(bins)]
    return sum(gaps) / len(top)


def mean_dice(p, labels):
    """The mean over classes that are there."""
    found = []
    for one in range(len(p)):
        said, true = p.argmax(axis=0) == one, labels == one
        if said.any() or true.any():
            found.append(2 * (said & true).sum() / (said.sum() + true.sum()))
    return np.mean(found)


def cases():
    found = {}
    for i in range(N):
        p, labels = image(i, (12 + i % 3, 13))
        soft = p ** (0.6 + 0.02 * i)
        found[f"c{i:02d}"] = (p, soft / soft.sum(axis=0), labels)
    return found


@pytest.fixture
def folders(tmp_path):
    places = [tmp_path / name for name in ("old", "new", "marks")]
    for place in places:
        place.mkdir()
    for name, (p, soft, labels) in cases().items():
        np.savez(places[0] / f"{name}.npz", probs=p)
        np.savez(places[1] / f"{name}.npz", probs=soft)
        np.save(places[2] / f"{name}.npy", labels)
    return places


def compared(capsys, folders, *more):
    result = run(capsys, "compare", folders[0], folders[1], "--labels", folders[2], "--json", *more)
    assert result.code == 0, result.err
    return result.json["candidates"][0]


def gated(capsys, folders, *more):
    return run(capsys, "gate", folders[1], "--labels", folders[2], *more)


def test_both_numbers_by_hand(capsys, folders):
    found = compared(capsys, folders)
    every = list(cases().values())
    old, new = (np.array([ece(one[side], one[2]) for one in every]) for side in (0, 1))
    mean = found["differences"]["per_image.ece"]
    assert mean["base"] == pytest.approx(old.mean())
    assert mean["candidate"] == pytest.approx(new.mean())
    change = new - old
    half = student_quantile(0.975, N - 1) * change.std(ddof=1) / np.sqrt(N)
    assert (mean["low"], mean["high"]) == (
        pytest.approx(change.mean() - half),
        pytest.approx(change.mean() + half),
    )
    pooled = found["differences"]["ece"]
    flat = [np.concatenate([one[side].reshape(3, -1) for one in every], axis=1) for side in (0, 1)]
    labels = np.concatenate([one[2].ravel() for one in every])
    assert (pooled["base"], pooled["candidate"]) == (
        pytest.approx(ece(flat[0], labels)),
        pytest.approx(ece(flat[1], labels)),
    )
    assert pooled["low"] <= pooled["difference"] <= pooled["high"]
    assert found["differences"]["per_image.dice"]["base"] == pytest.approx(
        np.mean([mean_dice(p, y) for p, _, y in every])
    )
    assert found["paired_by"] == "id"
    assert found["groups"] == {"column": None, "count": N}
    assert found["name"] == "new"


def test_what_does_not_differ_is_the_same(capsys, folders):
    found = compared(capsys, folders)["differences"]
    assert found["dice"]["difference"] == 0.0  # the softer model has the same arg-max
    assert found["per_image.dice"]["same"]
    result = run(capsys, "compare", folders[0], folders[0], "--labels", folders[2], "--json")
    again = result.json["candidates"][0]["differences"]
    assert all(one["same"] for one in again.values() if one["difference"] is not None and one["p"] is not None)
    assert again["per_image.1.ece"]["same"]


def test_values_are_those_of_the_reports(capsys, folders):
    found = compared(capsys, folders)["differences"]
    for side, place in (("base", folders[0]), ("candidate", folders[1])):
        block = calibeval.evaluate(place, labels=folders[2]).dumps[0].per_image
        for name, number in block.numbers.items():
            assert found[f"per_image.{name}"][side] == pytest.approx(number.mean)
            assert found[name][side] == pytest.approx(number.pooled)
        for structure in block.structures:
            for name, number in structure.numbers.items():
                assert found[f"{structure.name}.{name}"][side] == pytest.approx(number.pooled)
                assert found[f"per_image.{structure.name}.{name}"][side] == pytest.approx(number.mean)


def test_patients_widen_intervals(capsys, folders, tmp_path):
    table = tmp_path / "patients.csv"
    with table.open("w") as file:
        csv.writer(file).writerows([["case", "patient"], *([name, i // 2] for i, name in enumerate(cases()))])
    found = compared(capsys, folders, "--group", table)
    assert found["groups"] == {"column": "group", "count": N // 2}
    assert found["differences"]["per_image.ece"]["low"] is None  # seven patients are too few
    assert found["differences"]["per_image.ece"]["reason"]["code"] == "too_few_groups"


def test_cases_that_only_one_has_are_left_out(capsys, folders):
    (folders[1] / "c03.npz").unlink()
    found = compared(capsys, folders)
    assert found["groups"]["count"] == N - 1
    told = [one["message"] for one in found["warnings"]]
    assert "1 case that not all folders have is left out: c03" in told
    for one in folders[1].iterdir():
        one.unlink()
    np.savez(folders[1] / "x.npz", probs=cases()["c00"][0])
    np.save(folders[2] / "x.npy", cases()["c00"][2])
    result = run(capsys, "compare", folders[0], folders[1], "--labels", folders[2])
    assert result.code == 3
    assert "have no case in common" in result.err


def test_a_report_as_the_base(capsys, folders, tmp_path):
    saved = tmp_path / "old.json"
    saved.write_text(calibeval.evaluate(folders[0], labels=folders[2]).to_json())
    paired = compared(capsys, folders)["differences"]
    result = run(capsys, "compare", saved, folders[1], "--labels", folders[2], "--json")
    found = result.json["candidates"][0]
    assert found["paired_by"] is None
    assert found["warnings"][-1]["code"] == "unpaired"
    for name in ("ece", "per_image.ece", "1.dice"):
        one = found["differences"][name]
        assert one["difference"] == pytest.approx(paired[name]["difference"])
        assert one["high"] - one["low"] > paired[name]["high"] - paired[name]["low"]


def test_screen_and_files(capsys, folders, tmp_path):
    text = run(capsys, "compare", folders[0], folders[1], "--labels", folders[2], "-o", tmp_path / "out").out
    for label in ("mean ECE", "mean Dice", "14 images"):
        assert label in text
    found = calibeval.Comparison.from_json((tmp_path / "out" / "compare.json").read_text())
    assert found.candidates[0]["per_image.ece"].high is not None
    chosen = run(capsys, "compare", folders[0], folders[1], "--labels", folders[2], "--metrics", "per_image.ece,1.dice")
    assert "Dice of 1" in chosen.out
    assert "NLL" not in chosen.out


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--positive", "1"], "--positive cannot be combined with a folder of cases"),
        (["--layout", "monei"], 'layout "monei" is unknown'),
    ],
)
def test_what_comparisons_of_cases_lack(capsys, folders, more, said):
    result = run(capsys, "compare", folders[0], folders[1], "--labels", folders[2], *more)
    assert result.code == 2
    assert said in result.err


def test_rules_on_pixels_images_and_structures(capsys, folders):
    rules = ["--max", "ece=0.5", "--max", "per_image.ece=0.01", "--min", "1.dice=0.3", "--min", "per_image.dice=0.2"]
    result = gated(capsys, folders, *rules, "--json")
    assert result.code == 1
    found = {one["metric"]: one for one in result.json["rules"]}
    block = calibeval.evaluate(folders[1], labels=folders[2]).dumps[0].per_image
    assert {name: one["verdict"] for name, one in found.items()} == {
        "ece": "pass",
        "per_image.ece": "fail",
        "1.dice": "pass",
        "per_image.dice": "pass",
    }
    assert found["per_image.ece"]["value"] == pytest.approx(block.numbers["ece"].mean)
    assert found["1.dice"]["value"] == pytest.approx(block.structures[1].numbers["dice"].pooled)
    text = gated(capsys, folders, *rules).out
    assert "mean ECE" in text
    assert "Dice of 1" in text


@pytest.mark.parametrize("saved", [False, True])
def test_rules_on_changes(capsys, folders, tmp_path, saved):
    base = folders[0]
    if saved:
        base = tmp_path / "old.json"
        base.write_text(calibeval.evaluate(folders[0], labels=folders[2]).to_json())
    rules = ["--max-increase", "per_image.ece=0.5", "--max-drop", "per_image.dice=0.5", "--max-increase", "nll=0.001"]
    result = gated(capsys, folders, "--baseline", base, *rules, "--json")
    found = {one["metric"]: one for one in result.json["rules"]}
    assert found["per_image.ece"]["verdict"] == found["per_image.dice"]["verdict"] == "pass"
    assert found["per_image.ece"]["baseline"] == pytest.approx(
        calibeval.evaluate(folders[0], labels=folders[2]).dumps[0].per_image.numbers["ece"].mean
    )
    assert result.json["paired_by"] == (None if saved else "id")
    assert result.json["baseline"]["name"] == "old"


def test_more_images_would_decide(capsys, folders):
    value = calibeval.evaluate(folders[1], labels=folders[2]).dumps[0].per_image.numbers["ece"].mean
    result = gated(capsys, folders, "--max", f"per_image.ece={value * 1.02}", "--json")
    assert result.code == 5
    assert "images would decide" in result.json["rules"][0]["reason"]["message"]


@pytest.mark.parametrize(
    ("more", "said", "code"),
    [
        (["--max", "ece=0.1", "--why"], "--why cannot be combined with a folder of cases", 2),
        (["--max", "ece=0.1", "--plan"], "--plan cannot be combined with a folder of cases", 2),
        (["--init"], "--init cannot be combined with a folder of cases", 2),
        (["--max-increase", "ece=0.1"], "needs a baseline", 2),
        (["--min", "liver.dcie=0.1"], 'metric "liver.dcie" is unknown', 2),
        (["--max", "per_image.dice=0.1"], "max", 2),
    ],
)
def test_what_gates_of_cases_refuse(capsys, folders, more, said, code):
    result = gated(capsys, folders, *more)
    assert result.code == code
    assert said in result.err


def test_a_structure_that_is_not_there_is_an_error(capsys, folders):
    result = gated(capsys, folders, "--min", "liver.dice=0.1", "--json")
    assert result.code == 3
    assert result.json["rules"][0]["verdict"] == "error"


def test_python_gives_the_same(capsys, folders):
    found = calibeval.compare(folders[0], folders[1], labels=folders[2])
    assert found.candidates[0].to_dict() == compared(capsys, folders)
    verdict = calibeval.gate(
        folders[1], {"metric": "per_image.ece", "max": 0.01}, baseline=str(folders[0]), labels=folders[2]
    )
    result = gated(capsys, folders, "--max", "per_image.ece=0.01", "--baseline", folders[0], "--json")
    assert [one.to_dict() for one in verdict.rules] == result.json["rules"]
    assert verdict.report.dumps[0].per_image.images == N
    with pytest.raises(calibeval.UsageError, match="layout monai is for a folder of cases"):
        calibeval.compare(folders[0] / "c00.npz", folders[1] / "c00.npz", layout="monai")
    report = calibeval.evaluate(folders[0], labels=folders[2])
    assert calibeval.compare(report, folders[1], labels=folders[2])["per_image.ece"].difference == pytest.approx(
        found["per_image.ece"].difference
    )


def test_background_counts_or_not(capsys, folders):
    with_all = compared(capsys, folders)["differences"]["per_image.ece"]["base"]
    without = compared(capsys, folders, "--background", "exclude-label")["differences"]
    assert without["per_image.ece"]["base"] != with_all
    bare = compared(capsys, folders, "--background", "exclude-class")["differences"]
    assert "0.dice" not in bare
    assert "1.dice" in bare
    result = gated(capsys, folders, "--max", "ece=0.5", "--background", "exclude-label", "--json")
    assert result.json["settings"]["background"] == "exclude-label"


def test_regions_are_compared_one_by_one(capsys, tmp_path):
    places = [tmp_path / name for name in ("old", "new", "marks")]
    for place in places:
        place.mkdir()
        (place / "dataset.json").write_text(
            json.dumps({"labels": {"background": 0, "head": [1, 2], "core": 2}, "regions_class_order": [1, 2]})
        )
    for i in range(12):
        p, labels = image(i, (3, 12, 13))
        sigmoid = np.stack([p[1] + p[2], p[2]]).clip(0.0, 1.0)
        np.savez(places[0] / f"c{i}.npz", probabilities=sigmoid)
        np.savez(places[1] / f"c{i}.npz", probabilities=sigmoid**2)
        np.save(places[2] / f"c{i}.npy", labels)
    words = ["compare", places[0], places[1], "--labels", places[2]]
    result = run(capsys, *words)
    assert result.code == 2
    assert f"say which: {places[0]}#head, {places[0]}#core" in result.err
    words[1:3] = f"{places[0]}#core", f"{places[1]}#core"
    found = run(capsys, *words, "--json").json
    assert found["candidates"][0]["name"] == "new#core"
    assert found["candidates"][0]["differences"]["per_image.core.dice"]["base"] is not None
    differences = found["candidates"][0]["differences"]
    for name, same in (("per_image.ece_positive", "ece"), ("per_image.dice_positive", "dice")):
        assert differences[name]["candidate"] == differences[f"per_image.core.{same}"]["candidate"]
    words = [f"{places[1]}#core", "--labels", places[2]]
    fitted = calibeval.evaluate(places[1], labels=places[2], fit_on=places[0], allow_leak=True).dumps[1]
    own = fitted.per_image.structures[-1].numbers
    after = fitted.recalibrated.metrics
    assert after["per_image.ece_positive"].value == after["per_image.core.ece"].value != after["per_image.ece"].value
    rules = ["--max", "per_image.ece_positive=0.9", "--min", "dice_positive=0.01"]
    judged = {one["metric"]: one for one in run(capsys, "gate", *words, *rules, "--json").json["rules"]}
    assert judged["per_image.ece_positive"]["value"] == own["ece"].mean
    assert judged["dice_positive"]["value"] == own["dice"].pooled
    assert f"Dice (pos) {100 * own['dice'].mean:.2f} %" in image_finding(fitted)
