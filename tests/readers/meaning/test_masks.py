"""Masks of two classes in files: every command reads one channel as P(class 1) or its logit, with images as groups."""

from __future__ import annotations

import json

import numpy as np
import pytest

import calibeval
from calibeval.core.errors import InputError
from tests.cli.invoking import run
from tests.definitions import binned, edges_for, weighted_gap
from tests.readers.dumps import npz

RNG = np.random.default_rng(11)
LOGITS = RNG.normal(size=(12, 1, 8, 6)) * 2
MASKS = (RNG.random((12, 8, 6)) < 1 / (1 + np.exp(-LOGITS[:, 0] / 2))).astype(np.uint8)


def of_rows(logits, masks):
    """Accuracy and ECE of pixels, in plain float64."""
    p = 1 / (1 + np.exp(-logits.reshape(-1)))
    confidence, right = np.maximum(p, 1 - p), (p > 0.5) == (masks.reshape(-1) == 1)
    return float(right.mean()), weighted_gap(binned(confidence, right, edges_for(15)), len(p))


def check(report, logits, masks):
    accuracy, ece = of_rows(logits, masks)
    assert report["accuracy"].value == pytest.approx(accuracy, abs=1e-12)
    assert report["ece"].value == pytest.approx(ece, abs=1e-12)


@pytest.mark.parametrize(
    ("logits", "masks"), [(LOGITS, MASKS), (LOGITS[:, 0, :, :, None], MASKS[:, None]), (LOGITS[:, 0], MASKS == 1)]
)
def test_images_are_the_groups(tmp_path, logits, masks):
    report = calibeval.evaluate(npz(tmp_path, logits=logits, labels=masks))
    check(report, LOGITS, MASKS)
    assert report.dumps[0].groups.count == 12
    assert [one.code for one in report.dumps[0].warnings] == ["few_groups"]


def test_sigmoid_maps(tmp_path):
    maps = 1 / (1 + np.exp(-LOGITS[:, 0]))
    for shape in ((12, 8, 6), (12, 1, 8, 6), (12, 8, 6, 1)):
        check(calibeval.evaluate(npz(tmp_path, probs=maps.reshape(shape), labels=MASKS)), LOGITS, MASKS)


def test_one_image_alone(tmp_path):
    """It has one row in columns and ids, and no intervals: one image is one group."""
    three = np.stack([LOGITS[0, 0], LOGITS[1, 0], LOGITS[2, 0]])
    classes = RNG.integers(0, 3, (8, 6))
    path = npz(tmp_path, logits=three, labels=classes, ids=np.array(["a"]), weather=np.array(["fog"]))
    report = calibeval.evaluate(path, slices="weather", min_rows=1)
    assert report["accuracy"].value == float((three.argmax(0) == classes).mean())
    assert report.dumps[0].slices[0].n == 48
    assert "1 group is too few" in report["ece"].reason
    check(calibeval.evaluate(npz(tmp_path, logits=LOGITS[0], labels=MASKS[0])), LOGITS[0], MASKS[0])
    check(calibeval.evaluate(npz(tmp_path, logits=LOGITS[:1], labels=MASKS[0])), LOGITS[0], MASKS[0])


def test_splits_slices_and_ignored_pixels(tmp_path, capsys):
    masks = MASKS.copy()
    masks[:, 0] = 7
    arrays = {"logits": LOGITS, "labels": masks, "weather": np.array(["fog", "sun"] * 6)}
    path = npz(tmp_path, **arrays, val_index=np.arange(5), test_index=np.arange(5, 12))
    found = run(capsys, "report", f"{path}#test", "--ignore-index", 7, "--slice", "weather", "--min-rows", 1, "--json")
    (dump,) = found.json["dumps"]
    assert (dump["source"]["n"], dump["source"]["ignored"]) == (7 * 7 * 6, 7 * 6)
    accuracy, _ = of_rows(LOGITS[5:, :, 1:], MASKS[5:, 1:])
    assert dump["metrics"]["accuracy"]["value"] == pytest.approx(accuracy, abs=1e-12)
    assert {one["value"]: one["n"] for one in dump["slices"]} == {"fog": 3 * 42, "sun": 4 * 42}
    path = npz(tmp_path, val_logits=LOGITS[:5], val_labels=MASKS[:5], test_logits=LOGITS[5:], test_labels=MASKS[5:])
    check(calibeval.evaluate(f"{path}#val"), LOGITS[:5], MASKS[:5])
    check(calibeval.evaluate(f"{path}#val+test"), LOGITS, MASKS)


def test_labels_of_another_file(tmp_path):
    np.save(tmp_path / "y.npy", MASKS[:, None])
    path = npz(tmp_path, logits=LOGITS)
    check(calibeval.evaluate(path, labels=tmp_path / "y.npy"), LOGITS, MASKS)
    np.save(tmp_path / "x.npy", LOGITS[..., 0, :, :])
    check(calibeval.evaluate(tmp_path / "x.npy", kind="logits", labels=tmp_path / "y.npy"), LOGITS, MASKS)


def test_block_by_block(tmp_path):
    big, masks = np.tile(LOGITS, (4, 1, 1, 1)), np.tile(MASKS, (4, 1, 1))
    path = npz(tmp_path, logits=big, labels=masks)
    report = calibeval.evaluate(path, max_memory=1000)
    check(report, LOGITS, MASKS)
    (dump,) = report.dumps
    assert (dump.groups.column, dump.groups.count) == (None, 48)  # pixels of an image depend on each other
    assert not dump.warnings
    assert report["ece"].high == pytest.approx(calibeval.evaluate(path)["ece"].high, abs=1e-12)


@pytest.mark.parametrize("suffix", ["npz", "pt", "safetensors"])
def test_fit_apply_and_read_back(tmp_path, suffix, capsys):
    path, out = npz(tmp_path, logits=LOGITS, labels=MASKS, site=np.arange(12) % 3), tmp_path / "m.json"
    assert run(capsys, "fit", path, "-o", out).code == 0
    temperature = calibeval.read_map(out).temperature
    written = tmp_path / f"after.{suffix}"
    assert run(capsys, "apply", out, path, "-o", written).code == 0
    after = calibeval.read(written)
    assert (after.layout, after.k, after.columns["site"].tolist()) == ((12, 8, 6), 2, [0, 1, 2] * 4)
    assert np.allclose(after.scores[0:576][:, 1], LOGITS.reshape(-1) / temperature, rtol=1e-12)
    assert np.array_equal(after.labels, MASKS.reshape(-1))
    check(calibeval.evaluate(written), LOGITS / temperature, MASKS)
    found = run(capsys, "compare", path, written, "--json")
    assert (found.code, found.json["paired"]) == (0, True)
    assert run(capsys, "gate", written, "--baseline", path, "--max-drop", "accuracy=0.5").code == 0


@pytest.mark.parametrize("suffix", ["csv", "jsonl"])
def test_tables_hold_no_images(tmp_path, suffix, capsys):
    path = npz(tmp_path, logits=LOGITS, labels=MASKS)
    calibeval.fit(path).save(tmp_path / "m.json")
    found = run(capsys, "apply", tmp_path / "m.json", path, "-o", tmp_path / f"after.{suffix}")
    assert found.code == 2
    assert "the scores are dense. Write .npz instead." in found.err


def test_another_array_of_scores_is_compared(tmp_path):
    maps = 1 / (1 + np.exp(-LOGITS))
    same = npz(tmp_path, logits=LOGITS, probs=maps[:, 0], labels=MASKS)
    assert calibeval.read(same).warnings == ()
    other = npz(tmp_path, logits=LOGITS, probs=maps**2, labels=MASKS)
    assert 'is used, but "probs" is not its softmax' in calibeval.read(other).warnings[0]
    shape = npz(tmp_path, logits=LOGITS, probs=maps[:, :, :4], labels=MASKS)
    assert '"probs" has a different shape' in calibeval.read(shape).warnings[0]
    three = np.concatenate([LOGITS, LOGITS * 2, -LOGITS], 1)[0]
    weights = np.exp(three)
    alone = npz(tmp_path, logits=three, probs=weights / weights.sum(0), labels=MASKS[0])
    assert calibeval.read(alone).warnings == ()


def test_masks_of_image_files(tmp_path, capsys):
    path = npz(tmp_path, logits=LOGITS, labels=MASKS * np.uint8(255))
    found = run(capsys, "report", path)
    assert found.code == 3
    assert "logits of shape (12, 1, 8, 6) were read as one channel with 2 classes (0 to 1)" in found.err
    assert "If 255 marks class 1, as in image files, divide the labels by 255 before saving." in found.err
    told = run(capsys, "report", path, "--ignore-index", 255, "--json")
    assert told.code == 0
    texts = {one["code"]: one["message"] for one in json.loads(told.out)["dumps"][0]["warnings"]}
    assert "labels_of_255" in texts


def test_ambiguous_shapes_name_the_file(tmp_path):
    with pytest.raises(InputError, match=r"^d.npz: logits and labels both have shape \(2, 3, 8, 6\)"):
        calibeval.read(npz(tmp_path, logits=np.ones((2, 3, 8, 6)), labels=np.ones((2, 3, 8, 6))))
