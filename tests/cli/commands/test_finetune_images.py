"""`finetune` and `predict` on features of images: pixels as rows, images as units, losses of whole images."""

from __future__ import annotations

import json

import numpy as np
import pytest

from calibeval import evaluate, finetune, predict, read, read_features
from calibeval.core.heads.results import OVERLAP, Finetuned
from calibeval.render.tables.losses import as_csv, as_latex, as_markdown
from tests.cli.invoking import run

C, K, H, W = 6, 3, 8, 10


def images(n, seed):
    """Features (n, c, h, w) of blocks of classes, and labels with an unlabelled first row."""
    rng = np.random.default_rng(seed)
    labels = np.kron(rng.integers(0, K, (n, H // 2, W // 2)), np.ones((2, 2), int))
    centres = np.random.default_rng(0).normal(size=(K, C))
    features = np.moveaxis(centres[labels], -1, 1) + rng.normal(0, 0.9, (n, C, H, W))
    labels[:, 0] = 255
    return features.astype(np.float16), labels.astype(np.uint8)


@pytest.fixture
def cache(tmp_path):
    arrays = {"ignore_label": 255}
    for seed, (split, n) in enumerate({"train": 12, "val": 12, "test": 14}.items()):
        arrays[f"{split}_features"], arrays[f"{split}_labels"] = images(n, seed)
    np.savez(tmp_path / "cache.npz", **arrays)
    return tmp_path / "cache.npz"


def trained(capsys, cache, out, *words, splits=("train", "val", "test")):
    names = [f"{cache}#{split}" for split in splits]
    line = ["finetune", names[0], "--val", names[1], "--test", names[2], "-o", str(out), "--epochs", "4", *words]
    found = run(capsys, *line)
    assert found.code == 0, found.err
    return found


def test_losses_of_rows_and_of_images_train_together(capsys, cache, tmp_path):
    found = trained(capsys, cache, tmp_path / "run", "--loss", "ce,mbls(margin=4),mbls_dice(margin=4)", "-q")
    assert "mbls_dice(margin=4)" in found.out
    table = json.loads((tmp_path / "run" / "finetune.json").read_text())
    assert table["settings"]["batch_size"] == 1
    rows = {loss["name"]: loss["seeds"][0]["before"] for loss in table["losses"]}
    assert all(row["accuracy"] > 0.7 for row in rows.values())
    assert len({row["nll"] for row in rows.values()}) == 3


def test_dumps_of_a_run_have_the_shape_of_the_images_and_units_are_images(capsys, cache, tmp_path):
    trained(capsys, cache, tmp_path / "run", "--loss", "mbls(margin=4)", "--temperature", "none")
    dump = tmp_path / "run" / "test_logits.npz"
    with np.load(dump) as file:
        assert (file["logits"].shape, file["labels"].shape) == ((14, H, W, K), (14, H, W))
    predictions = read(dump)
    assert (predictions.layout, predictions.n, predictions.ignored) == ((14, H, W), 14 * 7 * W, 14 * W)
    report = evaluate(predictions)
    assert report.dumps[0].groups.count == 14
    again = predict(tmp_path / "run", f"{cache}#test")
    np.testing.assert_allclose(again.scores[:], predictions.scores[:])
    saved = json.loads((tmp_path / "run" / "report.json").read_text())
    assert saved["dumps"][-1]["groups"]["count"] == 14
    nll = saved["dumps"][-1]["per_image"]["numbers"]["nll"]
    own = [evaluate(predictions.select(np.repeat(np.arange(14) == i, H * W)))["nll"].value for i in range(14)]
    assert (nll["pooled"], nll["mean"]) == pytest.approx((report["nll"].value, np.mean(own)), rel=1e-6)


def test_a_head_of_pixels_is_that_of_the_same_rows(capsys, cache, tmp_path):
    flat = {}
    with np.load(cache) as file:
        for split in ("train", "val", "test"):
            labels = file[f"{split}_labels"].reshape(-1)
            rows = np.moveaxis(file[f"{split}_features"], 1, -1).reshape(-1, C)
            flat[f"{split}_features"], flat[f"{split}_labels"] = rows[labels != 255], labels[labels != 255]
    np.savez(tmp_path / "flat.npz", **flat)
    words = ["--loss", "mbls", "--batch-size", "64"]
    trained(capsys, cache, tmp_path / "a", *words)
    trained(capsys, tmp_path / "flat.npz", tmp_path / "b", *words)
    one, two = (json.loads((tmp_path / name / "finetune.json").read_text())["losses"][0]["seeds"][0] for name in "ab")
    for when in ("before", "after"):
        for metric in ("accuracy", "nll", "ece"):
            assert one[when][metric] == pytest.approx(two[when][metric], rel=1e-6)


def test_a_folder_of_arrays_and_labels_beside_them(capsys, cache, tmp_path):
    with np.load(cache) as file:
        for split in ("train", "val", "test"):
            np.save(tmp_path / f"features_{split}.npy", file[f"{split}_features"])
            np.save(tmp_path / f"labels_{split}.npy", file[f"{split}_labels"])
    words = ["--ignore-index", "255", "--loss", "mbls_dice"]
    trained(capsys, tmp_path, tmp_path / "a", *words)
    trained(capsys, cache, tmp_path / "b", "--loss", "mbls_dice")
    trained(capsys, cache, tmp_path / "c", "--loss", "mbls_dice", "--max-memory", "30000")
    heads = [(tmp_path / name / "head.safetensors").read_bytes() for name in "abc"]
    assert heads[0] == heads[1] == heads[2]


def test_features_without_labels_are_predicted_as_images(capsys, cache, tmp_path):
    trained(capsys, cache, tmp_path / "run", "--loss", "ce")
    with np.load(cache) as file:
        np.savez(tmp_path / "new.npz", features=file["test_features"])
    found = run(
        capsys, "predict", str(tmp_path / "run"), str(tmp_path / "new.npz"), "-o", str(tmp_path / "new_logits.npz")
    )
    assert found.code == 0, found.err
    with np.load(tmp_path / "new_logits.npz") as file:
        assert file["logits"].shape == (14, H, W, K)
        assert "labels" not in file.files


def test_the_weights_of_a_convolution_are_a_head(capsys, cache, tmp_path):
    rng = np.random.default_rng(3)
    arrays = {"weight": rng.normal(size=(K, C, 1, 1)).astype(np.float32), "bias": np.zeros(K, np.float32)}
    np.savez(tmp_path / "conv.npz", **arrays)
    features = read_features(f"{cache}#test")
    found = predict(tmp_path / "conv.npz", features)
    with np.load(cache) as file:
        expected = np.einsum("kc,nchw->nhwk", arrays["weight"][:, :, 0, 0], file["test_features"].astype(np.float64))
    np.testing.assert_allclose(found.scores[:].reshape(expected.shape), expected, rtol=1e-6, atol=1e-6)
    trained(capsys, cache, tmp_path / "run", "--head", tmp_path / "conv.npz", "--loss", "ce")


def test_mixup_of_whole_images_is_refused(capsys, cache, tmp_path):
    found = run(
        capsys,
        *("finetune", f"{cache}#train", "--val", f"{cache}#val", "-o", str(tmp_path / "run")),
        *("--loss", "ce,mbls_dice", "--mixup", "0.4"),
    )
    assert found.code == 2
    assert "--mixup mixes the pixels of different places, but mbls_dice needs images as they are" in found.err


def test_the_function_takes_arrays_of_images(cache, tmp_path):
    splits = [read_features(f"{cache}#{name}") for name in ("train", "val")]
    found = finetune(splits[0], val=splits[1], out=tmp_path / "run", losses="mbls_dice", epochs=2)
    assert found.losses[0].seeds[0].before["accuracy"] > 0.5


def test_the_table_has_dice_and_iou_once(capsys, cache, tmp_path):
    found = trained(capsys, cache, tmp_path / "run", "--loss", "ce,mbls_dice", "-q").out
    assert found.count("\noverlap ") == 1
    heads = "overlap Dice mean Dice IoU mean IoU"
    assert heads in [" ".join(line.split()) for line in found.splitlines()]
    results = Finetuned.from_json((tmp_path / "run" / "finetune.json").read_bytes())
    chosen = results.losses[results.chosen]
    numbers = evaluate(tmp_path / "run" / "test_logits.npz").dumps[0].per_image.numbers
    own = [numbers["dice"].pooled, numbers["dice"].mean, numbers["iou"].pooled, numbers["iou"].mean]
    assert [chosen.mean(name, after=True) for name in OVERLAP] == pytest.approx(own)
    assert f"{100 * own[0]:.2f}" in found
    for write in (as_markdown, as_latex, as_csv):
        assert "mean IoU" in write(results) or "per_image.iou" in write(results)
    assert len({line.count(",") for line in as_csv(results).splitlines()}) == 1
    assert len({line.count("|") for line in as_markdown(results).splitlines() if line.startswith("|")}) == 1
    page = (tmp_path / "run" / "report.html").read_text()
    assert page.count('<th scope="col">mean Dice</th>') == 1


def test_logits_that_are_not_kept_give_the_same_files(capsys, cache, tmp_path, monkeypatch):
    words = ["--loss", "ce,mbls_dice"]
    trained(capsys, cache, tmp_path / "a", *words)
    monkeypatch.setattr("calibeval.core.heads.scores.KEPT", 100)
    trained(capsys, cache, tmp_path / "b", *words)
    for name in ("head.safetensors", "val_logits.npz", "test_logits.npz", "finetune.json"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    lazy = predict(tmp_path / "a", f"{cache}#test")
    assert np.array_equal(lazy.scores[0:140], read(tmp_path / "a" / "test_logits.npz").scores[0:140])


def test_no_loss_sees_pixels_without_a_label(capsys, cache, tmp_path):
    with np.load(cache) as file:
        arrays = dict(file)
    for split in ("train", "val", "test"):
        arrays[f"{split}_features"][:, :, 0] = 7.0 if split == "train" else -9.0  # the first row has label 255
    np.savez(tmp_path / "other.npz", **arrays)
    losses = "ce", "cals", "mdca", "mbls_dice"  # rows, multipliers, whole batches, whole images
    words = ["--loss", ",".join(losses), "--epochs", "1"]
    trained(capsys, cache, tmp_path / "a", *words)
    trained(capsys, tmp_path / "other.npz", tmp_path / "b", *words)
    for loss in losses:
        heads = [(tmp_path / name / "losses" / loss / "head.safetensors").read_bytes() for name in "ab"]
        assert heads[0] == heads[1], loss
