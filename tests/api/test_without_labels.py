"""Predictions without labels: maps apply to them, and what needs labels says so, from Python and the command line."""

from __future__ import annotations

import json

import numpy as np
import pytest

import calibeval
from calibeval import InputError, Predictions, UsageError
from tests.cli.invoking import run

RNG = np.random.default_rng(3)
LOGITS = RNG.normal(size=(60, 3)) * 3
LABELS = np.where(RNG.random(60) < 0.6, LOGITS.argmax(1), RNG.integers(0, 3, 60))
PROBS = np.exp(LOGITS) / np.exp(LOGITS).sum(1, keepdims=True)
IMAGES = LOGITS.reshape(3, 5, 4, 3)
WRITTEN = (".npz", ".csv", ".tsv", ".jsonl", ".parquet", ".pt", ".safetensors")
IN_MEMORY = "but these predictions have none: give them as "
MEASURE, FIT, COMPARE = "to measure calibration", "to fit a map", "to compare"
PURPOSES = {
    **dict.fromkeys(("evaluate, fitted on it", "fit", "fit auto", "fit vector", "cross_fit"), FIT),
    **dict.fromkeys(("compare, the candidate", "gate, the baseline"), COMPARE),
}
GIVEN = {
    "logits": {"logits": LOGITS},
    "probs": {"probs": PROBS},
    "log_probs": {"log_probs": np.log(PROBS)},
    "column": {"probs": PROBS[:, 0]},
    "confidence": {"confidence": PROBS.max(1)},
}


@pytest.mark.parametrize("given", GIVEN)
def test_scores_alone_are_predictions(given):
    found = Predictions(**GIVEN[given], ids=np.arange(60), columns={"hour": np.arange(60) % 4})
    assert (found.labelled, found.n, found.rows, found.ignored) == (False, 60, 60, 0)
    assert not found.labels.any()
    assert ", no labels" in repr(found)
    some = found.select(np.arange(60) % 2 == 0)
    assert (some.labelled, some.n, some.ids.tolist()) == (False, 30, [*range(0, 60, 2)])


def test_names_of_classes_and_ignored_labels_mean_nothing_without_labels():
    found = Predictions(logits=LOGITS, class_names=["2", "0", "1"], labels_are="names", ignore_index=0)
    assert (found.n, found.ignore_index, found.class_names) == (60, None, ("2", "0", "1"))
    assert Predictions(logits=LOGITS, labels=LABELS).labelled


def needing(predictions):
    """Everything that needs labels, by name."""
    labelled = Predictions(logits=LOGITS, labels=LABELS)
    mapping = calibeval.fit(labelled)
    rule = {"metric": "ece", "max": 0.1}
    return {
        "evaluate": lambda: calibeval.evaluate(predictions),
        "evaluate, by the true class": lambda: calibeval.evaluate(predictions, slices="class"),
        "evaluate, with a map": lambda: calibeval.evaluate(predictions, map=mapping),
        "evaluate, fitted on it": lambda: calibeval.evaluate(labelled, fit_on=predictions),
        "evaluate, cross-fitted": lambda: calibeval.evaluate(predictions, cross_fit=3),
        "evaluate, another tool's": lambda: calibeval.evaluate(predictions, convention="torchmetrics"),
        "fit": lambda: calibeval.fit(predictions),
        "fit auto": lambda: calibeval.fit(predictions, "auto"),
        "fit vector": lambda: calibeval.fit(predictions, "vector"),
        "cross_fit": lambda: calibeval.cross_fit(predictions),
        "compare": lambda: calibeval.compare(predictions, labelled),
        "compare, the candidate": lambda: calibeval.compare(labelled, predictions),
        "compare with a report": lambda: calibeval.compare(calibeval.evaluate(labelled), predictions),
        "gate": lambda: calibeval.gate(predictions, rule),
        "gate, the baseline": lambda: calibeval.gate(labelled, rule, baseline=predictions),
        "conventions": lambda: calibeval.conventions(predictions),
    }


@pytest.mark.parametrize("name", needing(None))
def test_what_needs_labels_says_so(name, tmp_path):
    with pytest.raises(UsageError) as error:
        needing(Predictions(logits=LOGITS))[name]()
    assert str(error.value) == f"labels are needed {PURPOSES.get(name, MEASURE)}, {IN_MEMORY}labels="
    np.savez(tmp_path / "new.npz", logits=LOGITS, truth=LABELS, true_label=LABELS)
    with pytest.raises(InputError) as failure:
        needing(calibeval.read(tmp_path / "new.npz"))[name]()
    assert str(failure.value).startswith("new.npz: labels are needed to ")
    assert 'but no array has a usual name for labels; found "logits" (60, 3) float64, "truth"' in str(failure.value)
    assert str(failure.value).endswith('If "true_label" holds them, use labels_key="true_label".')


def test_arrays_and_metrics_without_labels():
    for call in (
        lambda: calibeval.evaluate(logits=LOGITS),
        lambda: calibeval.metrics.ece(PROBS),
        lambda: calibeval.metrics.nll(logits=LOGITS),
    ):
        with pytest.raises(UsageError, match=f"^labels are needed to measure calibration, {IN_MEMORY}labels=$"):
            call()
    with pytest.raises(UsageError, match=f"{IN_MEMORY}correct=$"):
        calibeval.evaluate(confidence=[0.5, 0.7])


@pytest.mark.parametrize(
    "command",
    [("report",), ("fit", "-o", "m.json"), ("gate", "--max", "ece=1"), ("conventions",), ("compare", "old.npz")],
)
def test_commands_name_the_arrays(command, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.savez("new.npz", logits=LOGITS, true_label=LABELS)
    np.savez("old.npz", logits=LOGITS, labels=LABELS)
    found = run(capsys, *command, "new.npz")
    assert (found.code, found.out) == (3, "")
    assert found.err == (
        'new.npz: no array has a usual name for labels; found "logits" (60, 3) float64, "true_label" (60) int64. Name '
        'one with --labels-key, or another file with --labels. If "true_label" holds them, use --labels-key '
        "true_label.\n"
    )
    assert run(capsys, *command, "new.npz", *(() if command[0] == "compare" else ("--labels-key", "true_label")))


def test_a_map_is_applied(tmp_path):
    mapping = calibeval.fit(Predictions(logits=LOGITS, labels=LABELS))
    alone = mapping(Predictions(logits=LOGITS, ids=np.arange(60)))
    assert (alone.labelled, alone.warnings) == (False, ())
    assert np.allclose(alone.scores[0:60], LOGITS / mapping.temperature, rtol=1e-12)
    assert np.allclose(mapping(LOGITS), LOGITS / mapping.temperature, rtol=1e-12)
    np.savez(tmp_path / "new.npz", logits=LOGITS)
    assert np.array_equal(mapping(tmp_path / "new.npz").scores[0:60], alone.scores[0:60])
    with pytest.raises(InputError, match=r"\(3, 5, 4, 3\), but \(n, 3\) is needed; calibeval.Predictions takes images"):
        mapping(IMAGES)


@pytest.mark.parametrize("suffix", WRITTEN)
@pytest.mark.parametrize("given", GIVEN)
def test_every_format_is_read_back_without_labels(given, suffix, tmp_path):
    before = Predictions(**GIVEN[given], ids=np.arange(60), columns={"hour": np.arange(60) % 4})
    before.save(tmp_path / f"a{suffix}")
    after = calibeval.read(tmp_path / f"a{suffix}")
    assert (after.labelled, after.kind, after.k) == (False, before.kind, before.k)
    assert np.array_equal(np.asarray(after.scores[0:60]), np.asarray(before.scores[0:60], np.float64))
    assert (after.ids.tolist(), after.columns["hour"].tolist()) == ([*range(60)], [0, 1, 2, 3] * 15)


def test_a_column_that_would_come_back_as_labels_is_refused(tmp_path):
    with pytest.raises(UsageError, match="it would come back with labels"):
        Predictions(logits=LOGITS, columns={"target": LABELS}).save(tmp_path / "a.npz")


@pytest.mark.parametrize("suffix", ["npz", "pt", "safetensors"])
@pytest.mark.parametrize("kind", ["last", "first"])
def test_images_without_labels(kind, suffix, tmp_path, capsys):
    images = IMAGES if kind == "last" else np.moveaxis(IMAGES, -1, 1)
    calibeval.fit(Predictions(logits=LOGITS, labels=LABELS)).save(tmp_path / "m.json")
    np.savez(tmp_path / "new.npz", logits=images)
    out = tmp_path / f"b.{suffix}"
    assert run(capsys, "apply", tmp_path / "m.json", tmp_path / "new.npz", "-o", out).code == 0
    after = calibeval.read(out)
    assert (after.labelled, after.k, after.layout) == (False, 3, (3, 5, 4))
    temperature = calibeval.read_map(tmp_path / "m.json").temperature
    assert np.allclose(after.scores[0:60], LOGITS / temperature, rtol=1e-12)
    with pytest.raises(InputError, match=r"without labels could have the classes on axis 1 or on the last axis"):
        calibeval.read(tmp_path / "new.npz")
    assert calibeval.read(tmp_path / "new.npz", class_names=["a", "b", "c"]).layout == (3, 5, 4)
    with pytest.raises(InputError, match="but neither axis 1 nor the last one has 7 classes"):
        Predictions(logits=images, class_names=[*"abcdefg"])


def test_masks_without_labels(tmp_path):
    maps = PROBS[:, 0].reshape(3, 5, 4)
    for shape in ((3, 1, 5, 4), (3, 5, 4, 1)):
        found = Predictions(probs=maps.reshape(shape))
        assert (found.labelled, found.k, found.layout) == (False, 2, (3, 5, 4))
    found = Predictions(probs=maps, class_names=["ground", "road"])
    assert (found.k, found.layout) == (2, (3, 5, 4))
    found.save(tmp_path / "a.npz")
    assert calibeval.read(tmp_path / "a.npz").layout == (3, 5, 4)


def test_one_split_has_labels_and_the_other_none(tmp_path, capsys):
    path = tmp_path / "d.npz"
    np.savez(path, val_logits=LOGITS, val_labels=LABELS, test_logits=LOGITS[:9] + 1, test_ids=np.arange(9))
    assert calibeval.read(f"{path}#val").labelled
    test = calibeval.read(f"{path}#test")
    assert (test.labelled, test.n, test.ids.tolist()) == (False, 9, [*range(9)])
    assert run(capsys, "fit", f"{path}#val", "-o", tmp_path / "m.json").code == 0
    assert run(capsys, "apply", tmp_path / "m.json", f"{path}#test", "-o", tmp_path / "a.csv").code == 0
    assert calibeval.read(tmp_path / "a.csv").n == 9
    assert "no array has a usual name for labels" in run(capsys, "report", f"{path}#test").err
    with pytest.raises(InputError, match="of the splits val and test, one has labels and the other has none"):
        calibeval.read(f"{path}#val+test")
    np.savez(path, logits=LOGITS, labels=LABELS, fog_logits=LOGITS + 1)
    with pytest.raises(InputError, match='there is no split or array "fog"'):
        calibeval.read(f"{path}#fog")


def test_inspect(tmp_path, capsys):
    np.savez(tmp_path / "new.npz", logits=LOGITS, true_label=LABELS)
    found = run(capsys, "inspect", tmp_path / "new.npz")
    assert (found.code, found.err) == (0, "")
    text = " ".join(found.out.split())
    assert "new.npz: logits, 60 rows, 3 classes" in text
    assert 'read as: logits from "logits" · no labels' in text
    assert (
        "no labels: apply can recalibrate these scores; report, fit, compare and gate need labels, named with "
        '--labels-key, or another file with --labels. If "true_label" holds them, use --labels-key true_label.'
    ) in text
    (reading,) = json.loads(run(capsys, "inspect", tmp_path / "new.npz", "--json").out)["readings"]
    assert reading["error"] is None
    assert reading["no_labels"].startswith("apply can recalibrate these scores")
    np.savez(tmp_path / "old.npz", logits=LOGITS, labels=LABELS)
    (reading,) = json.loads(run(capsys, "inspect", tmp_path / "old.npz", "--json").out)["readings"]
    assert reading["no_labels"] is None


def test_a_confidence_without_predictions(tmp_path):
    np.savez(tmp_path / "c.npz", confidence=PROBS.max(1))
    found = calibeval.read(tmp_path / "c.npz")
    assert (found.labelled, found.k) == (False, None)
    with pytest.raises(InputError, match=r"^c.npz: labels are needed to measure calibration, but no array has a usual"):
        calibeval.evaluate(found)
    np.savez(tmp_path / "c.npz", confidence=PROBS.max(1), labels=LABELS)
    with pytest.raises(InputError, match='"confidence" also needs an array "correct", or'):
        calibeval.read(tmp_path / "c.npz")
