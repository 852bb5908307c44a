"""`finetune` and `predict` from Python: paths and arrays, progress, and runs that are not lost."""

import inspect

import numpy as np
import pytest
import torch

import calibeval
from calibeval.cli.commands import finetune as command
from tests.core.streams import Told

RNG = np.random.default_rng(0)
CENTRES = RNG.normal(size=(3, 5))


def split(n):
    labels = RNG.integers(0, 3, n)
    return {"features": CENTRES[labels] + RNG.normal(size=(n, 5)), "labels": labels}


TRAIN, VAL, TEST = split(300), split(150), split(200)
SPLITS = {"val": calibeval.Features(**VAL), "test": calibeval.Features(**TEST)}


def test_paths_and_arrays_train_the_same_heads(tmp_path):
    arrays = {f"{s}_{k}": v for s, x in (("train", TRAIN), ("val", VAL), ("test", TEST)) for k, v in x.items()}
    np.savez(tmp_path / "cache.npz", **arrays)
    names = {part: f"{tmp_path / 'cache.npz'}#{part}" for part in ("train", "val", "test")}
    by_path = calibeval.finetune(
        names["train"], val=names["val"], test=names["test"], losses=["ce", "mbls(margin=6)"], epochs=3,
        out=tmp_path / "a",
    )  # fmt: skip
    by_array = calibeval.finetune(
        calibeval.Features(**TRAIN), **SPLITS, losses="ce,mbls(margin=6)", epochs=3, out=tmp_path / "b"
    )
    assert by_path.losses == by_array.losses
    assert list(by_path) == ["ce", "mbls(margin=6)"]
    assert "ECE" in str(by_path)
    assert repr(by_path).startswith("<Finetuned on ce, mbls(margin=6): ")
    with pytest.raises(KeyError, match='loss "cee" is unknown'):
        by_path["cee"]
    predicted = calibeval.predict(tmp_path / "a", names["test"])
    saved = calibeval.read(tmp_path / "a" / "test_logits.npz")
    assert predicted.scores[:] == pytest.approx(saved.scores[:], rel=1e-6)


def test_a_finished_run_is_not_overwritten_unless_asked(tmp_path):
    def train(**more):
        return calibeval.finetune(calibeval.Features(**TRAIN), **SPLITS, losses="ce", epochs=1, out=tmp_path, **more)

    first = train()
    before = {p.name: p.read_bytes() for p in tmp_path.iterdir() if p.is_file()}
    with pytest.raises(calibeval.UsageError, match=r"holds a finished run.*overwrite=True"):
        train(seed=1)
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir() if p.is_file()} == before
    assert train(resume=True) == first
    assert train(seed=1, overwrite=True) != first
    with pytest.raises(calibeval.UsageError, match="exclude each other"):
        train(resume=True, overwrite=True)


def test_progress_hears_of_stages_and_epochs(tmp_path):
    told = Told()
    calibeval.finetune(
        calibeval.Features(**TRAIN), **SPLITS, losses="ce", epochs=3, patience=0, out=tmp_path, progress=told
    )
    assert told.heard == [("training, stage 1 of 1", 3), 1, 1, 1]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"optimizer": "adam"}, r'optimizer "adam" is unknown \(did you mean "adamw"\?\)'),
        ({"temperature": "folded"}, 'did you mean "fold"'),
        ({"jobs": 0}, "jobs is 0"),
        ({"epochs": True}, "epochs is True"),
        ({"lr": 0}, "lr is 0, but it must be above 0"),
        ({"mixup": -1}, "mixup is -1, but it must be at least 0"),
        ({"hidden": 8}, 'hidden belongs to head="mlp"'),
        ({"trials": 8}, "trials belongs to tune=True"),
        ({"tune": True, "lr": 0.1}, "leave out lr and weight_decay"),
        ({"losses": "cee"}, '"cee" is unknown'),
        ({"val": [[1.0]]}, "val is a list, but it must be a path or calibeval.Features"),
    ],
)
def test_settings_that_cannot_work(settings, message, tmp_path):
    with pytest.raises(calibeval.UsageError, match=message):
        calibeval.finetune(calibeval.Features(**TRAIN), **{**SPLITS, **settings}, out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_defaults_are_those_of_the_command():
    theirs = inspect.signature(command.finetune).parameters
    for name, one in inspect.signature(calibeval.finetune).parameters.items():
        if name in theirs and name not in ("jobs", "clip_norm", "patience") and one.default is not one.empty:
            assert one.default == theirs[name].default, name


def test_features_without_labels_are_predicted(tmp_path):
    calibeval.finetune(calibeval.Features(**TRAIN), **SPLITS, losses="ce", epochs=1, out=tmp_path / "run")
    found = calibeval.predict(tmp_path / "run", calibeval.Features(features=TEST["features"]))
    assert not found.labelled
    expected = calibeval.predict(tmp_path / "run", calibeval.Features(**TEST))
    assert np.array_equal(found.scores, expected.scores)
    np.savez(tmp_path / "rows.npz", features=TEST["features"])
    assert np.array_equal(calibeval.predict(tmp_path / "run", tmp_path / "rows.npz").scores, expected.scores)
    with pytest.raises(calibeval.InputError, match="no array has a usual name for labels"):
        calibeval.finetune(tmp_path / "rows.npz", val=tmp_path / "rows.npz", out=tmp_path / "other")


def test_checksums_are_an_option_of_the_head_too(tmp_path):
    weight = np.arange(12.0, dtype=np.float32).reshape(3, 4)
    torch.save({"weight": torch.tensor(weight), "bias": torch.zeros(3)}, tmp_path / "head.pt")
    raw = bytearray((tmp_path / "head.pt").read_bytes())
    raw[raw.index(weight.tobytes())] ^= 1
    (tmp_path / "head.pt").write_bytes(raw)
    features = calibeval.Features(features=np.ones((2, 4)), labels=[0, 1])
    with pytest.raises(calibeval.InputError, match="checksums=False"):
        calibeval.predict(tmp_path / "head.pt", features)
    assert calibeval.predict(tmp_path / "head.pt", features, checksums=False).k == 3


def test_a_column_that_the_dumps_of_a_run_lack_is_told(tmp_path):
    np.savez(tmp_path / "val.npz", features=TEST["features"], labels=np.zeros(len(TEST["features"]), int))
    np.save(tmp_path / "y.npy", TEST["labels"])
    val = calibeval.read_features(tmp_path / "val.npz", labels=tmp_path / "y.npy")
    found = calibeval.finetune(calibeval.Features(**TRAIN), val=val, losses="ce", epochs=1, out=tmp_path / "run")
    told = 'val_logits.npz: the column "labels" is left out, because the labels come from another file'
    assert [(one.code, one) for one in found.warnings if one.code == "column_left_out"] == [("column_left_out", told)]
    again = calibeval.finetune(
        calibeval.Features(**TRAIN), val=val, losses="ce", epochs=1, out=tmp_path / "run", resume=True
    )
    assert again.warnings == found.warnings
