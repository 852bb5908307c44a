"""Numbers of images where `compare` and `gate` get one array of images, and what is said of images: voxels, class 0."""

import json

import numpy as np
import pytest

import calibeval
from calibeval import InputError, Predictions, UsageError
from tests.cli.invoking import run
from tests.readers.cases.folders import image

N = 14


def images(soft):
    """Scores (n, k, h, w) and labels; in the last image the first class is always right."""
    every = [image(i, (12, 13)) for i in range(N)]
    p, labels = (np.stack([one[part] for one in every]) for part in (0, 1))
    labels[3, :4] = 0
    p = p**soft
    return p / p.sum(axis=1, keepdims=True), labels


@pytest.fixture
def both(tmp_path):
    """One array for each of two models, and the same images as folders of cases."""
    for name, soft in (("old", 1.0), ("new", 0.7)):
        p, labels = images(soft)
        np.savez(tmp_path / f"{name}.npz", probs=p, labels=labels)
        for place in (tmp_path / name, tmp_path / "marks"):
            place.mkdir(exist_ok=True)
        for i in range(N):
            np.savez(tmp_path / name / f"c{i:02d}.npz", probs=p[i])
            np.save(tmp_path / "marks" / f"c{i:02d}.npy", labels[i])
    return tmp_path


def differences(result):
    assert result.code == 0, result.err
    return result.json["candidates"][0]["differences"]


@pytest.mark.parametrize("more", [(), ("--background", "exclude-label"), ("--background", "exclude-class")])
def test_an_array_of_images_is_compared_as_its_cases(capsys, both, more):
    array = differences(run(capsys, "compare", both / "old.npz", both / "new.npz", "--json", *more))
    cases = ("compare", both / "old", both / "new", "--labels", both / "marks", "--json", *more)
    folder = differences(run(capsys, *cases))
    of_images = [name for name in folder if "." in name or name in ("dice", "ba_ece", "boundary_ece")]
    assert len(of_images) > 40
    for name in of_images:
        for key, value in folder[name].items():
            assert array[name][key] == (pytest.approx(value, abs=1e-12) if isinstance(value, float) else value), name


def test_images_in_another_order_are_paired_by_their_ids(both):
    p, labels = images(1.0)
    q, _ = images(0.7)
    ids, order = np.array([f"i{one}" for one in range(N)]), np.random.default_rng(1).permutation(N)
    names = "per_image.ece,1.dice"
    plain = calibeval.compare(
        Predictions(probs=p, labels=labels), Predictions(probs=q, labels=labels), metrics=names
    ).to_dict()["candidates"][0]["differences"]
    base = Predictions(probs=p, labels=labels, ids=ids)
    other = Predictions(probs=q[order], labels=labels[order], ids=ids[order])
    found = calibeval.compare(base, other, metrics=names).to_dict()["candidates"][0]["differences"]
    assert found["per_image.ece"]["low"] == pytest.approx(plain["per_image.ece"]["low"])
    assert found["1.dice"] == plain["1.dice"]


@pytest.mark.parametrize("saved", [False, True])
def test_rules_on_images_of_an_array(capsys, both, saved):
    base = both / "old.npz"
    block = calibeval.evaluate(base).dumps[0].per_image
    if saved:
        base = both / "old.json"
        base.write_text(calibeval.evaluate(both / "old.npz").to_json())
    limits = ["--max", "per_image.ece=0.01", "--min", "1.dice=0.2", "--max-increase", "per_image.nll=0.9"]
    result = run(capsys, "gate", both / "new.npz", "--baseline", base, *limits, "--json")
    found = {one["metric"]: one for one in result.json["rules"]}
    own = calibeval.evaluate(both / "new.npz").dumps[0].per_image
    assert {name: one["verdict"] for name, one in found.items()} == {
        "per_image.ece": "fail",
        "1.dice": "pass",
        "per_image.nll": "pass",
    }
    assert found["per_image.ece"]["value"] == pytest.approx(own.numbers["ece"].mean)
    assert found["per_image.nll"]["baseline"] == pytest.approx(block.numbers["nll"].mean)
    close = run(capsys, "gate", both / "new.npz", "--max", f"per_image.ece={own.numbers['ece'].mean * 1.02}", "--json")
    assert "images would decide" in close.json["rules"][0]["reason"]["message"]


def test_what_has_no_images(capsys, both):
    p, labels = images(1.0)
    rows = Predictions(probs=p[0].reshape(3, -1).T, labels=labels[0].ravel())
    with pytest.raises(UsageError, match="none of these exists here: only images have it"):
        calibeval.compare(rows, rows, metrics="per_image.ece")
    with pytest.raises(UsageError, match="none of these exists here: it is for two classes"):
        calibeval.compare(rows, rows, metrics="ece_positive")
    result = run(capsys, "compare", both / "old.npz", both / "new.npz", "--spacing", "2,2")
    assert (result.code, "a spacing is for a folder of cases" in result.err) == (2, True)
    with pytest.raises(UsageError, match=r"background=.exclude-label. is for segmentations"):
        calibeval.gate(rows, {"metric": "ece", "max": 0.5}, background="exclude-label")


def test_images_that_memory_does_not_allow(both):
    large = Predictions(probs=np.full((2, 30, 700, 700), 1 / 30, np.float32), labels=np.zeros((2, 700, 700), int))
    with pytest.raises(InputError, match="images are not measured one by one"):
        calibeval.gate(large, {"metric": "per_image.ece", "max": 0.5}, max_memory=1)


@pytest.mark.parametrize("command", ["compare", "gate"])
def test_a_spacing_moves_pixels_to_other_bands(capsys, both, command):
    words = [both / "new", "--labels", both / "marks", "--json"]
    words = ["compare", both / "old", *words] if command == "compare" else ["gate", *words, "--max", "ba_ece=0.5"]

    def value(*more):
        found = run(capsys, *words, *more).json
        return (
            found["candidates"][0]["differences"]["ba_ece"]["candidate"]
            if "base" in found
            else found["rules"][0]["value"]
        )

    far = calibeval.evaluate(both / "new", labels=both / "marks", spacing=(4, 4)).dumps[0].per_image.numbers["ba_ece"]
    assert value("--spacing", "4,4") == pytest.approx(far.pooled)
    assert value() != pytest.approx(far.pooled)
    assert (
        "not the size of a voxel" in run(capsys, *words[: -1 if command == "compare" else None], "--spacing", "0").err
    )


def test_a_file_of_rules_says_how_images_count(capsys, both):
    config, words = both / "rules.toml", ["gate", both / "new", "--labels", both / "marks", "--json", "--config"]
    rule = '[[gate.rule]]\nmetric = "ba_ece"\nmax = 0.9\n'
    config.write_text(f'[gate]\nbackground = "exclude-label"\nspacing = [4, 4]\nlayout = "arrays"\n{rule}')
    found = run(capsys, *words, config)
    assert found.json["settings"]["background"] == "exclude-label"
    plain = run(capsys, *words, config, "--background", "include", "--spacing", "1,1").json
    assert plain["rules"][0]["value"] != found.json["rules"][0]["value"]
    own = calibeval.gate(both / "new", config, labels=both / "marks")
    assert json.loads(own.to_json())["rules"] == found.json["rules"]
    for line, said in (
        ("spacing = 3", "rules.toml: spacing 3 is not the size of a voxel"),
        ('background = "exclude"', "rules.toml: background is 'exclude', but it must be"),
        ('layout = "nnunt"', 'rules.toml: layout "nnunt" is unknown'),
    ):
        config.write_text(f"[gate]\n{line}\n{rule}")
        assert said in run(capsys, *words, config).err.replace("\\", "")


def test_the_best_of_several_folders_of_the_same_cases_is_marked(capsys, both):
    (both / "far").mkdir()
    for one in (both / "old").iterdir():
        np.savez(both / "far" / one.name, probs=np.load(one)["probs"][[1, 2, 0]])
    words = ("report", both / "old", both / "far", "--labels", both / "marks")
    result = run(capsys, *words)
    assert "certainly best among the dumps of the same rows" in result.out
    one, other = run(capsys, *words, "--json").json["dumps"]
    assert one["rows_sha256"] == other["rows_sha256"]
    (both / "far" / "c03.npz").unlink()
    assert "the dumps hold different rows" in run(capsys, *words).out
