"""`finetune` with weights of rows and soft labels, from files to files."""

from __future__ import annotations

import numpy as np
import pytest

import calibeval
from calibeval.core.errors import InputError, UsageError
from calibeval.core.heads.results import Finetuned
from calibeval.losses.table import LOSS_TABLE
from calibeval.training.sweep import Sweep
from tests.cli import feature_files as files
from tests.cli.invoking import run

LOSSES = ["--loss", "ce,cals(margin=2)"]
WEIGHTED = ["--key", "weights=w", *LOSSES]
SIZES = {"train": 120, "val": 80, "test": 60}


def caches(folder, weights, **more):
    """Three caches whose rows have weights. weights: by split, from the number of rows."""
    for seed, (split, n) in enumerate(SIZES.items()):
        files.write(folder / f"{split}.npz", *files.rows(n, seed), w=weights(n), **more)
    return folder


def refused(capsys, code, *words):
    """The message of a command that ends with this exit code."""
    result = run(capsys, *words)
    assert (result.code, result.out) == (code, "")
    assert len(result.err) < 500
    return result.err


def some(n):
    return np.random.default_rng(n).integers(0, 4, n) / 2


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("CALIBEVAL_CHECKPOINT_SECONDS", "0")
    return caches(tmp_path, some)


def test_what_is_measured_is_what_report_measures_with_the_weights(capsys, folder):
    assert run(capsys, *files.words(folder, *WEIGHTED, "-q")).code == 0
    found = Finetuned.from_json((folder / "run" / "finetune.json").read_bytes())
    chosen = found.losses[found.chosen].kept
    val, test = (
        calibeval.read(folder / "run" / f"{split}_logits.npz", key={"weights": "w"}) for split in ("val", "test")
    )
    measured = calibeval.evaluate(test, level=None)
    assert measured.dumps[0].weights is not None
    for name, value in chosen.after.items():
        assert value == pytest.approx(measured[name].value, rel=1e-4)
    assert calibeval.fit(val).temperature == pytest.approx(1.0, abs=1e-4)
    assert chosen.score == pytest.approx(calibeval.evaluate(val, level=None)["nll"].value, rel=1e-4)
    plain = calibeval.evaluate(folder / "run" / "test_logits.npz", level=None)
    assert abs(plain["nll"].value - chosen.after["nll"]) > 1e-3
    assert found.settings.weights_key == "w"
    source = found.sources["train"]
    w = some(SIZES["train"])
    assert source["n"] == np.count_nonzero(w)
    assert source["weights"]["zero"] == np.count_nonzero(w == 0)
    assert source["weights"]["effective"] == pytest.approx(w.sum() ** 2 / (w @ w))
    assert f'TRAIN is weighted by "w": {source["n"]} rows count as {round(source["weights"]["effective"])}; ' in str(
        found
    )


def test_rows_of_weight_0_have_no_influence(capsys, folder, tmp_path):
    """The same heads, byte by byte, as without these rows."""
    assert run(capsys, *files.words(folder, *WEIGHTED, "-q")).code == 0
    less = tmp_path / "less"
    less.mkdir()
    for path in folder.glob("*.npz"):
        with np.load(path) as all_rows:
            kept = all_rows["w"] > 0
            np.savez(less / path.name, **{name: values[kept] for name, values in all_rows.items()})
    assert run(capsys, *files.words(less, *WEIGHTED, "-q")).code == 0
    for name in ("head.safetensors", "history.jsonl", "val_logits.npz", "test_logits.npz"):
        assert (folder / "run" / name).read_bytes() == (less / "run" / name).read_bytes()


def test_equal_weights_train_the_heads_of_none(capsys, tmp_path):
    caches(tmp_path, lambda n: np.full(n, 3.0))
    assert run(capsys, *files.words(tmp_path, *WEIGHTED, "-q")).code == 0
    assert run(capsys, *files.words(tmp_path, *LOSSES, "-q", out="plain")).code == 0
    for name in ("head.safetensors", "history.jsonl"):
        assert (tmp_path / "run" / name).read_bytes() == (tmp_path / "plain" / name).read_bytes()


@pytest.mark.parametrize("after", [1, 2])
def test_an_interrupted_run_ends_with_the_same_bytes(capsys, folder, monkeypatch, after):
    assert run(capsys, *files.words(folder, *WEIGHTED, "-q", out="through")).code == 0
    step, left = Sweep.step, [after]

    def partly(sweep):
        left[0] -= 1
        if left[0] < 0:
            raise KeyboardInterrupt
        return step(sweep)

    with monkeypatch.context() as patch:
        patch.setattr(Sweep, "step", partly)
        assert run(capsys, *files.words(folder, *WEIGHTED, "-q")).code == 130
    other = refused(capsys, 2, *files.words(folder, *LOSSES, "-q", "--resume"))
    assert "weights_key: w there, None here" in other
    assert run(capsys, *files.words(folder, *WEIGHTED, "-q", "--resume")).code == 0
    assert files.contents(folder / "run") == files.contents(folder / "through")


def test_a_split_without_the_column_is_named(capsys, folder):
    files.write(folder / "val.npz", *files.rows(80, 1), weight=np.ones(80))
    message = refused(capsys, 3, *files.words(folder, *WEIGHTED))
    assert 'val.npz: --key weights=w: there is no column "w"' in message
    assert "columns are weight" in message


def test_predict_weighs_no_rows(capsys, folder):
    assert run(capsys, *files.words(folder, *LOSSES, "-q")).code == 0
    words = ["predict", folder / "run", folder / "test.npz", "-o", folder / "p.npz"]
    message = refused(capsys, 2, *words, "--key", "weights=w")
    assert 'test.npz: rows are weighted by "w", but predict weighs none' in message
    with pytest.raises(UsageError, match="predict weighs none"):
        calibeval.predict(folder / "run", folder / "test.npz", key={"weights": "w"})
    assert run(capsys, *words).code == 0
    assert "w" in calibeval.read(folder / "p.npz").columns


def soft(folder, amount=0.3):
    """TRAIN whose labels give each other class a part."""
    features, labels = files.rows(120, 0)
    one_hot = np.eye(files.K)[labels]
    files.write(folder / "train.npz", features, one_hot * (1 - amount) + amount / files.K)
    return folder


def test_soft_labels_are_trained_as_label_smoothing_would(capsys, tmp_path):
    """Labels that are smoothed by hand, under cross entropy, are label smoothing of the same amount."""
    files.splits(tmp_path)
    assert run(capsys, *files.words(tmp_path, "--loss", "ls(alpha=0.3)", "-q", out="ls")).code == 0
    soft(tmp_path)
    result = run(capsys, *files.words(tmp_path, "--loss", "ce", "-q", out="ce"))
    assert result.code == 0
    assert "TRAIN has soft labels: the probability of every class" in result.out
    one, other = (calibeval.read(tmp_path / name / "test_logits.npz").scores for name in ("ls", "ce"))
    np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-3)
    sources = files.load(tmp_path / "ce" / "finetune.json")["sources"]
    assert [sources[split].get("soft_labels") for split in SIZES] == [True, None, None]


@pytest.mark.parametrize("split", ["val", "test"])
def test_soft_labels_measure_nothing(capsys, tmp_path, split):
    files.splits(tmp_path)
    features, labels = files.rows(SIZES[split], 1)
    files.write(tmp_path / f"{split}.npz", features, np.eye(files.K)[labels] * 0.7 + 0.1)
    message = refused(capsys, 3, *files.words(tmp_path))
    assert f"{split}.npz: the labels are soft (the probability of every class), but {split.upper()} measures" in message


def test_a_loss_without_a_formula_names_those_that_have_one(capsys, tmp_path, monkeypatch):
    monkeypatch.setattr(LOSS_TABLE["focal"].criterion, "soft", False)
    soft(files.splits(tmp_path))
    message = refused(capsys, 3, *files.words(tmp_path, "--loss", "ce,focal(gamma=2)"))
    assert "train.npz: the labels are soft (the probability of every class), for which the loss focal has no" in message
    able = [name for name, entry in LOSS_TABLE.items() if entry.soft]
    assert message.endswith(f"losses that take them are {', '.join(able)}\n")
    assert "focal" not in able


def test_a_class_without_any_probability_is_absent(capsys, tmp_path):
    files.splits(tmp_path)
    features, labels = files.rows(120, 0)
    one = np.eye(4)[labels] * 0.9
    one[:, 1] += 0.1
    files.write(tmp_path / "train.npz", features, one)
    result = run(capsys, *files.words(tmp_path, "--loss", "ce"))
    assert result.code == 0
    assert "1 of 4 classes have no row in train.npz: 3" in " ".join(result.out.split())


def test_in_python_arrays_do(tmp_path):
    given = {}
    for seed, (split, n) in enumerate(SIZES.items()):
        features, labels = files.rows(n, seed)
        given[split] = calibeval.Features(features=features, labels=labels, weights=some(n))
    found = calibeval.finetune(**given, out=tmp_path / "run", losses="ce", epochs=2, jobs=1)
    assert found.sources["val"]["weights"]["column"] == "weights"
    with pytest.raises(InputError, match="soft"):
        calibeval.finetune(
            given["train"],
            val=calibeval.Features(features=features, labels=np.full((60, files.K), 1 / files.K)),
            out=tmp_path / "other",
        )
