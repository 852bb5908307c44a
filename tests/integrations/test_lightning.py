"""The callback in a real Trainer of Lightning."""

import re

import pytest
import pytorch_lightning as pl
import torch
from torch.utils.data import DataLoader, TensorDataset

import calibeval
from calibeval.lightning import CalibrationCallback

K = 4
GENERATOR = torch.Generator().manual_seed(0)
INPUTS = torch.randn(500, 6, generator=GENERATOR)
LABELS = (INPUTS[:, :K] + torch.randn(500, K, generator=GENERATOR)).argmax(dim=1)


class Model(pl.LightningModule):
    """A linear layer. returned: what its steps return of {"logits": ..., "labels": ...}."""

    def __init__(self, returned=lambda found: found["logits"]):
        super().__init__()
        self.layer = torch.nn.Linear(6, K)
        self.returned = returned

    def training_step(self, batch):
        return torch.nn.functional.cross_entropy(self.layer(batch[0]), batch[1])

    def validation_step(self, batch, *_):
        return self.returned({"logits": self.layer(batch[0]), "labels": batch[1]})

    test_step = validation_step

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.1)


@pytest.fixture
def trainer(tmp_path):
    def made(callback, **more):
        quiet = {"enable_progress_bar": False, "enable_checkpointing": False, "enable_model_summary": False}
        options = {"logger": False, "accelerator": "cpu", "default_root_dir": tmp_path, **quiet, **more}
        return pl.Trainer(callbacks=[callback], **options)

    return made


def loader(rows=slice(None), batch_size=64):
    return DataLoader(TensorDataset(INPUTS[rows], LABELS[rows]), batch_size=batch_size)


def expected(model, rows=slice(None), names=("accuracy", "nll", "brier", "ece")):
    with torch.inference_mode():
        report = calibeval.evaluate(logits=model.layer(INPUTS[rows]), labels=LABELS[rows])
    return report, {name: report[name].value for name in names}


@pytest.mark.parametrize(
    "returned",
    [
        lambda found: found["logits"],
        lambda found: {"logits": found["logits"], "loss": found["logits"].sum()},
        lambda found: found,
    ],
)
def test_values_of_all_batches_are_logged(trainer, returned):
    model, callback = Model(returned), CalibrationCallback()
    (found,) = trainer(callback).validate(model, loader(), verbose=False)
    report, values = expected(model)
    assert found == pytest.approx({f"val_{name}": value for name, value in values.items()}, rel=1e-6)
    (own,) = callback.reports["val"]
    assert own.dumps[0].n == 500
    assert (own["ece"].low, own["ece"].floor) == pytest.approx((report["ece"].low, report["ece"].floor), rel=1e-6)


def test_tests_and_several_loaders(trainer):
    model, callback = Model(), CalibrationCallback(["accuracy", "ece"])
    found = trainer(callback).test(model, [loader(slice(0, 300)), loader(slice(300, 500))], verbose=False)
    values = {name: value for one in found for name, value in one.items()}
    for i, rows in enumerate((slice(0, 300), slice(300, 500))):
        end = "" if i == 0 else "/dataloader_idx_1"
        for name, value in expected(model, rows, ("accuracy", "ece"))[1].items():
            assert values[f"test_{name}{end}"] == pytest.approx(value, rel=1e-6)
    assert [report.dumps[0].n for report in callback.reports["test"]] == [300, 200]


def test_each_epoch_of_a_training_has_its_own_rows(trainer, tmp_path):
    model, callback = Model(), CalibrationCallback("nll", out=tmp_path / "reports")
    run = trainer(callback, max_epochs=2, num_sanity_val_steps=2)
    run.fit(model, loader(), loader(slice(0, 200)))
    assert run.callback_metrics["val_nll"].item() == pytest.approx(expected(model, slice(0, 200))[1]["nll"], rel=1e-6)
    assert callback.reports["val"][0].dumps[0].n == 200
    folders = sorted(one.name for one in (tmp_path / "reports").iterdir())
    assert folders == ["val_epoch_0", "val_epoch_1"]
    assert (tmp_path / "reports/val_epoch_1/report.json").exists()


def test_other_rows_probabilities_and_ignored_labels(trainer):
    model = Model(lambda found: {"out": torch.softmax(found["logits"], 1)})
    callback = CalibrationCallback(
        ["ece"], scores="probs", rows=lambda outputs, batch: (outputs["out"], batch[1]), ignore_index=3, bins=10
    )
    trainer(callback).validate(model, loader(), verbose=False)
    report = callback.reports["val"][0]
    assert report.dumps[0].n == int((LABELS != 3).sum())
    assert report.settings.bins == 10


@pytest.mark.parametrize(
    ("returned", "error", "message"),
    [
        (lambda _: None, calibeval.UsageError, "the step returned nothing, but CalibrationCallback needs"),
        (lambda found: found["logits"].sum(), calibeval.UsageError, "the step returned a Tensor"),
        (lambda found: {"loss": 1, "probs": found["logits"]}, calibeval.UsageError, "a dict with loss, probs"),
        (lambda found: found["logits"][:3], calibeval.InputError, "batch 1"),
    ],
)
def test_steps_that_return_something_else_are_told(trainer, returned, error, message):
    with pytest.raises(error, match=re.escape(message)):
        trainer(CalibrationCallback()).validate(Model(returned), loader(), verbose=False)


def test_batches_by_names_and_batches_without_labels():
    callback = CalibrationCallback()
    assert callback._of_step(INPUTS, {"x": INPUTS, "labels": LABELS})[1] is LABELS
    with pytest.raises(calibeval.InputError, match="a batch is a list of 3, in which the labels are not known"):
        callback._of_step(INPUTS, [INPUTS, LABELS, LABELS])
    with pytest.raises(calibeval.UnknownMetric, match='did you mean "ece"'):
        CalibrationCallback("eec")
