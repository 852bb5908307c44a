"""The callback with the real Trainer where transformers is installed, else its interface alone."""

import importlib
import importlib.util
import json
import sys
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
import torch

import calibeval
from calibeval.transformers import Calibration

RNG = np.random.default_rng(0)
LOGITS, LABELS = RNG.normal(size=(200, 3)).astype(np.float32), RNG.integers(0, 3, 200)


@pytest.fixture
def callback_class(monkeypatch):
    """The class, over a stand-in for the library's class of callbacks where that is not installed."""
    if importlib.util.find_spec("transformers") is None:
        stand_in = ModuleType("transformers.trainer_callback")
        stand_in.TrainerCallback = object  # type: ignore[attr-defined]  # a stand-in
        monkeypatch.setitem(sys.modules, "transformers", ModuleType("transformers"))
        monkeypatch.setitem(sys.modules, "transformers.trainer_callback", stand_in)
        monkeypatch.delitem(sys.modules, "calibeval.integrations.transformers_callback", raising=False)
    return importlib.import_module("calibeval.integrations.transformers_callback").ReportCallback


def evaluated(calibration, callback, step, prefix="eval", rows=200):
    values = calibration(SimpleNamespace(predictions=LOGITS[:rows], label_ids=LABELS[:rows]))
    metrics = {f"{prefix}_{name}": value for name, value in values.items()}
    state = SimpleNamespace(global_step=step, log_history=[{**metrics, "step": step}], is_world_process_zero=True)
    callback.on_evaluate(None, state, None, metrics=metrics)
    return state.log_history[-1]


@pytest.mark.parametrize("prefix", ["eval", "test_set"])
def test_the_log_has_intervals_and_floors(callback_class, prefix, tmp_path):
    calibration = Calibration(["ece", "nll"])
    callback = callback_class(calibration, out=tmp_path)
    logged = evaluated(calibration, callback, 30, prefix)
    wanted = calibeval.evaluate(logits=LOGITS, labels=LABELS)["ece"]
    assert logged[f"{prefix}_ece_low"] == pytest.approx(wanted.low)
    assert logged[f"{prefix}_ece_high"] == pytest.approx(wanted.high)
    assert logged[f"{prefix}_ece_floor"] == pytest.approx(wanted.floor)
    assert f"{prefix}_nll_floor" not in logged
    json.dumps(logged)
    assert {step: [*own] for step, own in callback.reports.items()} == {30: [prefix]}
    folder = {"eval": "step_30", "test_set": "step_30_test_set"}[prefix]
    assert (tmp_path / folder / "report.json").exists()


def test_every_evaluation_of_a_step_is_kept(callback_class, tmp_path):
    calibration = Calibration(["ece"])
    callback = callback_class(calibration, out=tmp_path)
    for rows, prefix in ((200, "eval_a"), (150, "eval_b/c"), (100, "eval"), (50, "eval")):
        evaluated(calibration, callback, 30, prefix, rows)
    evaluated(calibration, callback, 60, rows=40)
    kept = {(step, name): report.dumps[0].n for step, own in callback.reports.items() for name, report in own.items()}
    assert kept == {(30, "eval_a"): 200, (30, "eval_b/c"): 150, (30, "eval"): 100, (30, "eval-2"): 50, (60, "eval"): 40}
    folders = {"step_30_eval_a": 200, "step_30_eval_b%2Fc": 150, "step_30": 100, "step_30_eval-2": 50, "step_60": 40}
    assert {one.name for one in tmp_path.iterdir()} == {*folders}
    for name, rows in folders.items():
        saved = json.loads((tmp_path / name / "report.json").read_text())
        assert saved["dumps"][0]["source"]["n"] == rows


def test_what_cannot_work_is_refused(callback_class):
    with pytest.raises(calibeval.UsageError, match="takes a Calibration, but a function came"):
        callback_class(calibeval.transformers.compute_metrics)
    with pytest.raises(calibeval.UsageError, match="there is no report"):
        callback_class(Calibration()).on_evaluate(None, SimpleNamespace(global_step=1), None)


def test_other_names_are_not_there():
    with pytest.raises(AttributeError, match="has no attribute 'Report'"):
        _ = calibeval.transformers.Report


@pytest.mark.filterwarnings("ignore")
def test_in_a_training_of_the_real_trainer(tmp_path):
    transformers = pytest.importorskip("transformers", reason="transformers is not part of the development environment")
    pytest.importorskip("accelerate", reason="the Trainer needs accelerate")

    class Linear(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = torch.nn.Linear(4, 3)

        def forward(self, x, labels=None):
            logits = self.layer(x)
            return {"loss": torch.nn.functional.cross_entropy(logits, labels), "logits": logits}

    generator = torch.Generator().manual_seed(0)
    inputs = torch.randn(160, 4, generator=generator)
    rows = [{"x": x, "labels": int(x[:3].argmax())} for x in inputs]
    model, calibration = Linear(), Calibration(["accuracy", "ece"])
    callback = calibeval.transformers.ReportCallback(calibration, out=tmp_path / "reports")
    arguments = transformers.TrainingArguments(
        output_dir=str(tmp_path),
        num_train_epochs=2,
        per_device_train_batch_size=40,
        eval_strategy="epoch",
        report_to=[],
        use_cpu=True,
        disable_tqdm=True,
        save_strategy="no",
    )
    trainer = transformers.Trainer(
        model, arguments, train_dataset=rows, eval_dataset=rows, compute_metrics=calibration, callbacks=[callback]
    )
    trainer.train()
    assert {step: [*own] for step, own in callback.reports.items()} == {4: ["eval"], 8: ["eval"]}
    with torch.inference_mode():
        wanted = calibeval.evaluate(logits=model.layer(inputs), labels=[row["labels"] for row in rows])["ece"]
    logged = [one for one in trainer.state.log_history if "eval_ece" in one]
    assert [one["step"] for one in logged] == [4, 8]
    facts = [logged[-1][name] for name in ("eval_ece", "eval_ece_low", "eval_ece_high", "eval_ece_floor")]
    assert facts == pytest.approx([wanted.value, wanted.low, wanted.high, wanted.floor], rel=1e-5)
    assert (tmp_path / "reports/step_8/report.json").exists()
