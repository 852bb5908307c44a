"""`calibeval survey`: cells, tables, files, and cells that cannot be read."""

import csv
import io
from dataclasses import replace

import jsonschema
import numpy as np
import pytest

import calibeval
from calibeval.readers.open import predictions_of
from tests.cli.invoking import run
from tests.conftest import ROOT
from tests.data import logits_and_labels
from tests.records import schema

SHIFT = ROOT.parent / "shared" / "data" / "cifar10jpeg_resnet20_shift.npz"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Two models under two severities on the same rows."""
    logits, labels = logits_and_labels(300, 3)
    for factor, model in ((1.0, "a"), (2.0, "b")):
        for severity in (1, 2):
            scores = logits * factor + np.random.default_rng(severity).normal(size=logits.shape) * severity
            np.savez(tmp_path / f"{model}_{severity}.npz", logits=scores, labels=labels)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_cells_are_measured_as_by_report(capsys, folder):
    found = run(capsys, "survey", "{model}_{severity}.npz", "--json", "-q")
    assert (found.code, found.err) == (0, "")
    document = found.json
    assert document["axes"] == [{"name": "model", "values": ["a", "b"]}, {"name": "severity", "values": [1, 2]}]
    for cell in document["cells"]:
        dump = run(capsys, "report", cell["name"], "--json", "-q").json["dumps"][0]
        assert cell["metrics"] == dump["metrics"]
        assert cell["source"]["sha256"] == dump["source"]["sha256"]
        assert (cell["n"], cell["k"], cell["temperature"]) == (300, 3, dump["metrics"]["temperature"]["value"])


def test_means_weigh_every_cell_the_same(folder):
    survey = calibeval.survey("{model}_{severity}.npz")
    values = {(c.axes["model"], c.axes["severity"]): c["nll"].value for c in survey.cells}
    assert survey.mean("model", severity=1)["nll"].value == pytest.approx((values["a", 1] + values["b", 1]) / 2)
    whole = survey.mean()["nll"]
    assert whole.value == pytest.approx(sum(values.values()) / 4)
    assert (whole.least, whole.most) == (min(values.values()), max(values.values()))
    assert survey.cell(model="b", severity="2")["nll"].value == values["b", 2]


def test_the_table_of_cells_is_tidy(capsys, folder):
    text = run(capsys, "survey", "{model}_{severity}.npz", "--format", "csv", "-q").out
    rows = list(csv.DictReader(io.StringIO(text)))
    frame = calibeval.survey("{model}_{severity}.npz").table()
    assert [(row["model"], row["severity"]) for row in rows] == [("a", "1"), ("a", "2"), ("b", "1"), ("b", "2")]
    assert [float(row["ece_high"]) for row in rows] == frame["ece_high"].tolist()
    assert frame["severity"].tolist() == [1, 2, 1, 2]
    assert {"dump", "rows", "classes", "ece_floor", "best_temperature", "error"} <= set(frame.columns)


def test_the_screen_has_a_table_of_two_axes(capsys, folder):
    found = run(capsys, "survey", "{model}_{severity}.npz", "--metric", "accuracy")
    assert "4 cells: model (2) × severity (2) · 300 rows each · 3 classes" in found.out
    assert "accuracy % by model and severity" in found.out
    turned = run(capsys, "survey", "{model}_{severity}.npz", "--rows", "severity", "--columns", "model").out
    assert "ECE % by severity and model" in turned
    assert str(calibeval.survey("{model}_{severity}.npz")).startswith("4 cells:")


def test_files_are_written(capsys, folder):
    found = run(capsys, "survey", "{model}_{severity}.npz", "-o", "out")
    assert "written to out" in found.err
    names = {"survey.json", "cells.csv", "means.csv"}
    assert names <= {path.name for path in (folder / "out").iterdir()}
    text = (folder / "out/survey.json").read_text()
    assert calibeval.Survey.from_json(text).to_json() == text
    pyarrow = pytest.importorskip("pyarrow.parquet")
    table = pyarrow.read_table(folder / "out/cells.parquet").to_pydict()
    assert (table["model"], table["severity"]) == (["a", "a", "b", "b"], [1, 2, 1, 2])
    means = list(csv.DictReader(io.StringIO((folder / "out/means.csv").read_text())))
    assert {row["mean_over"] for row in means} == {"model+severity", "model", "severity"}


def test_a_cell_that_cannot_be_read_is_named_and_the_others_go_on(capsys, folder):
    (folder / "b_2.npz").write_bytes(b"PK no zip")
    found = run(capsys, "survey", "{model}_{severity}.npz")
    assert found.code == 3
    assert "b 2: b_2.npz: " in found.out
    assert "3 cells" in found.out
    document = run(capsys, "survey", "{model}_{severity}.npz", "--json").json
    assert [cell["error"] is None for cell in document["cells"]] == [True, True, True, False]
    assert document["means"][0]["cells"] == 3


def test_blocks_are_cells(capsys, folder):
    logits, labels = logits_and_labels(100, 3)
    for name in ("fog", "snow"):
        np.savez(folder / f"{name}.npz", logits=np.concatenate([logits, 2 * logits]), labels=np.tile(labels, 2))
    survey = calibeval.survey("{corruption:fog|snow}.npz", blocks="severity=2")
    own = calibeval.evaluate(logits=2 * logits, labels=labels)
    assert survey.cell(corruption="fog", severity=2)["nll"].value == own["nll"].value
    odd = run(capsys, "survey", "{corruption:fog|snow}.npz", "--blocks", "severity=3")
    assert (odd.code, "200 rows cannot be cut into 3 equal blocks" in odd.out) == (3, True)


def test_labels_of_one_block_are_those_of_every_block(capsys, folder):
    logits, labels = logits_and_labels(100, 3)
    np.save(folder / "labels.npy", labels)
    for factor, name in ((1, "fog"), (3, "snow")):
        np.savez_compressed(folder / f"{name}.npz", logits=np.concatenate([factor * logits, 2 * factor * logits]))
    line = ("survey", "{corruption:fog|snow}.npz", "--blocks", "severity=2", "--labels", "labels.npy")
    found = run(capsys, *line, "--json", "-q").json
    for cell in found["cells"]:
        factor = {"fog": 1, "snow": 3}[cell["axes"]["corruption"]] * cell["axes"]["severity"]
        own = calibeval.evaluate(logits=factor * logits, labels=labels)
        assert cell["metrics"]["nll"]["value"] == own["nll"].value
    np.save(folder / "all.npy", np.tile(labels, 2))
    whole = calibeval.survey(line[1], blocks="severity=2", labels="all.npy")
    assert [one["nll"].value for one in whole.cells] == [one["metrics"]["nll"]["value"] for one in found["cells"]]
    np.save(folder / "few.npy", labels[:60])
    odd = run(capsys, *line[:-1], "few.npy")
    assert (odd.code, "60 labels" in " ".join(odd.out.split()) or "(60,)" in odd.out) == (3, True)


def test_a_dump_of_blocks_is_unpacked_once(folder, monkeypatch):
    logits, labels = logits_and_labels(100, 3)
    np.savez_compressed(folder / "fog.npz", logits=np.tile(logits, (5, 1)), labels=np.tile(labels, 5))
    np.savez_compressed(folder / "snow.npz", logits=np.tile(2 * logits, (5, 1)), labels=np.tile(labels, 5))
    opened = []
    monkeypatch.setattr(
        "calibeval.runs.surveying.measure.predictions_of",
        lambda *given: opened.append(given) or predictions_of(*given),
    )
    survey = calibeval.survey("{corruption:fog|snow}.npz", blocks="severity=5", metrics="nll")
    assert (len(survey.cells), len(opened)) == (10, 2)


def test_files_of_labels_may_have_axes(capsys, folder):
    for task, size in (("arc", 100), ("piqa", 200)):
        logits, labels = logits_and_labels(size, 3)
        np.save(folder / f"labels-{task}.npy", labels)
        for model in "xy":
            np.save(folder / f"{model}-{task}.logits.npy", logits * (1 + (model == "x")))
    pattern, labels = "{model:x|y}-{task}.logits.npy", "labels-{task}.npy"
    survey = calibeval.survey(pattern, labels=labels, reference="y-{task}.logits.npy", kind="logits")
    assert [cell.n for cell in survey.cells] == [100, 200, 100, 200]
    assert survey.cells[1].source.labels_path == "labels-piqa.npy"
    assert [one.paired_by for one in survey.changes] == ["position", "position"]
    found = run(capsys, "survey", pattern, "--labels", "labels-{tsk}.npy", "--kind", "logits")
    assert (found.code, 'there is no axis "tsk"' in found.err) == (2, True)
    gone = run(capsys, "survey", pattern, "--labels", "gone-{task}.npy", "--kind", "logits")
    assert (gone.code, "gone-arc.npy" in gone.out) == (3, True)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "give patterns, such as"),
        (["{m}_{s}.npz", "--index", "x.csv"], "not both"),
        (["{m}_{s}.npz", "--rows", "modle"], 'there is no axis "modle"; axes are m, s'),
        (["{m}_{s}.npz", "--rows", "m", "--columns", "m"], "--rows and --columns are both m"),
        (["{m}_{s}.npz", "--blocks", "five"], "but AXIS=N is needed, such as severity=5"),
        (["{m}_{s}.npz", "--metric", "eec"], 'metric "eec" is unknown'),
    ],
)
def test_options_that_cannot_work(capsys, folder, words, message):
    found = run(capsys, "survey", *words)
    assert (found.code, found.out) == (2, "")
    assert message in found.err


def test_processes_give_the_same_bytes(folder, monkeypatch):
    monkeypatch.setattr("calibeval.api.survey_workers.LEAST_BYTES", 1)
    alone, several = (calibeval.survey("{model}_{severity}.npz", jobs=jobs) for jobs in (1, 2))
    assert several.to_json() == alone.to_json()


@pytest.mark.skipif(not SHIFT.exists(), reason="real dumps are not there")
def test_twenty_corruptions_of_one_file(capsys):
    found = run(
        capsys, "survey", f"{SHIFT}#{{corruption}}_{{severity}}", "--kind", "logits", "--metrics", "ece,accuracy"
    )
    assert found.code == 0
    assert "20 cells: corruption (4) × severity (5) · 2,000 rows each · 10 classes" in found.out
    assert "ECE from 11.44 % (gaussian_blur 1) to 69.38 % (gaussian_noise 5)" in found.out
    assert "1 name beside did not match: cifar10jpeg_resnet20_shift.npz#clean" in found.out


def test_changes_are_those_of_compare_with_holm_over_cells(capsys, folder):
    survey = calibeval.survey("{model}_{severity}.npz", reference="severity=1")
    assert [(one.axes["model"], one.reference, one.paired_by) for one in survey.changes] == [
        ("a", "a_1.npz", "position"),
        ("b", "b_1.npz", "position"),
    ]
    for one in survey.changes:
        model = one.axes["model"]
        found = calibeval.compare(f"{model}_1.npz", f"{model}_2.npz").candidates[0].differences
        for name, difference in one.differences.items():
            assert replace(difference, p_holm=None) == replace(found[name], p_holm=None)
        assert one.differences["nll"].p_holm >= found["nll"].p
    shown = run(capsys, "survey", "{model}_{severity}.npz", "--reference", "severity=1", "--metric", "nll").out
    assert "NLL against severity=1, 2 cells: " in shown
    assert "(Holm over cells); most +" in shown
    full = run(capsys, "survey", "{model}_{severity}.npz", "--reference", "severity=1", "--metric", "nll", "--full").out
    (line,) = [line for line in full.splitlines() if "nats (a 2)" in line and " to +" in line]
    assert line.endswith((", worse, certain", ", worse, likely", ", cannot tell"))


def test_a_reference_is_a_dump_perhaps_one_for_each_model(folder):
    alone = calibeval.survey("{model}_{severity}.npz", reference="a_1.npz", metrics="nll")
    assert [one.reference for one in alone.changes] == ["a_1.npz"] * 3
    each = calibeval.survey("{model}_{severity}.npz", reference="{model}_1.npz", metrics="nll")
    assert [one.reference for one in each.changes] == ["a_1.npz", "b_1.npz"]


def test_rows_that_are_not_the_same_are_compared_as_such_and_it_is_told(capsys, folder):
    logits, labels = logits_and_labels(200, 3, seed=5)
    np.savez(folder / "other.npz", logits=logits, labels=labels)
    survey = calibeval.survey("{model}_{severity}.npz", reference="other.npz", metrics="nll,ece")
    assert [one.paired_by for one in survey.changes] == [None] * 4
    assert all(one.differences["nll"].low is not None for one in survey.changes)
    (told,) = survey.warnings
    assert str(told).startswith(
        "4 of 4 cells: rows are not paired with those of the reference, so intervals of changes"
    )
    gone = run(capsys, "survey", "{model}_{severity}.npz", "--reference", "gone.npz")
    assert gone.code == 3
    assert "a 1, not compared: gone.npz: " in gone.out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--reference", "severity=9"], 'axis severity has no value "9"; it has 1, 2'),
        (["--reference", "severity=1", "--no-intervals"], "--reference needs the intervals"),
        (["--reference", "severity=1", "--convention", "guo"], "--reference and --convention guo exclude each other"),
    ],
)
def test_a_reference_that_cannot_be(capsys, folder, words, message):
    found = run(capsys, "survey", "{model}_{severity}.npz", *words)
    assert (found.code, found.out) == (2, "")
    assert message in found.err


def test_means_of_shared_rows_have_intervals_of_their_own(folder):
    survey = calibeval.survey("{model}_{severity}.npz")
    mean = survey.mean()
    assert mean["nll"].reason is None
    assert mean["ece"].reason.code == "cells_ends"
    ends = [(cell["ece"].low, cell["ece"].high) for cell in survey.cells]
    assert (mean["ece"].low, mean["ece"].high) == pytest.approx(tuple(np.mean(ends, axis=0)))


def test_one_clean_map_for_each_model_before_and_after(capsys, folder):
    logits, labels = logits_and_labels(400, 3, seed=9)
    for factor, model in ((1.0, "a"), (2.0, "b")):
        np.savez(folder / f"val-{model}.npz", logits=logits * factor, labels=labels)
    survey = calibeval.survey("{model}_{severity}.npz", fit_on="val-{model}.npz", metrics="nll,accuracy")
    for cell in survey.cells:
        own = calibeval.evaluate(cell.name, fit_on=f"val-{cell.axes['model']}.npz", metrics="nll,accuracy").dumps[0]
        assert cell.after["nll"] == own.recalibrated.metrics["nll"]
    assert survey.mean()["nll"].value > survey.mean().after["nll"].value
    assert (survey.fitted_on, survey.method, survey.warnings) == ("val-{model}.npz", "temperature", ())
    shown = run(capsys, "survey", "{model}_{severity}.npz", "--fit-on", "val-{model}.npz", "--metric", "nll")
    words = " ".join(shown.out.split())
    assert "A temperature map fitted on val-{model}.npz: NLL " in words
    assert "Cells themselves would want T from " in words
    table = run(capsys, "survey", "{model}_{severity}.npz", "--fit-on", "severity=1", "--format", "csv")
    assert "nll_after" in table.out
    assert "2 of 4 cells: " not in table.err
    assert "4 of 4 cells: rows are those on which the map is fitted" in table.err


def test_a_map_that_cannot_be_fitted_is_told_in_its_cells(capsys, folder):
    found = run(capsys, "survey", "{model}_{severity}.npz", "--fit-on", "val-{model}.npz")
    assert found.code == 3
    assert "a 1: no map was fitted: val-a.npz: " in found.out
    refused = run(capsys, "survey", "{model}_{severity}.npz", "--method", "vector")
    assert (refused.code, "--method belongs to --fit-on" in refused.err) == (2, True)


def test_means_hold_the_mean_changes(folder):
    survey = calibeval.survey("{model}_{severity}.npz", reference="severity=1")
    values = {(c.axes["model"], c.axes["severity"]): c["nll"].value for c in survey.cells}
    mean = survey.mean("model", severity=2)
    expected = sum(values[model, 2] - values[model, 1] for model in "ab") / 2
    assert mean.changes["nll"].value == pytest.approx(expected)
    assert mean.changes["nll"].low < expected < mean.changes["nll"].high
    assert mean.changes["ece"].reason.code == "cells_ends"
    assert survey.mean("model", severity=1).changes is None


def test_an_axis_with_the_name_of_a_column_is_refused(capsys, folder):
    found = run(capsys, "survey", "{rows}_{ece}.npz")
    assert (found.code, found.err.startswith('an axis cannot be called "rows"')) == (2, True)


def test_models_are_ranked_on_the_same_rows(capsys, folder):
    found = run(capsys, "survey", "{model}_{severity}.npz", "--rank", "model", "--json", "-q").json
    ranking = found["ranking"]
    assert (ranking["axis"], ranking["over"], ranking["cells"], ranking["folds"]) == ("model", ["severity"], 2, 5)
    for one in ranking["models"]:
        cells = [cell["after"]["nll"]["value"] for cell in found["cells"] if cell["axes"]["model"] == one["model"]]
        assert one["nll"] == pytest.approx(sum(cells) / 2, abs=1e-6)
    text = run(capsys, "survey", "{model}_{severity}.npz", "--rank", "model", "-q").out
    assert "NLL after" in text
    assert "1 paired difference over 300 units" in text
    assert "--rank" in run(capsys, "survey", "{model}_{severity}.npz", "--rank", "model", "--no-intervals").err


def test_a_model_without_a_temperature_is_not_ranked_but_measured(folder):
    labels = np.load("a_1.npz")["labels"]
    probs = np.full((300, 3), 0.5) * (np.arange(3) != 2)
    for severity in (1, 2):
        np.savez(f"c_{severity}.npz", probs=probs, labels=labels)
    survey = calibeval.survey("{model}_{severity}.npz", rank="model")
    assert not survey.failed
    assert [one.model for one in survey.ranking.models if one.reason] == ["c"]
    assert calibeval.Survey.from_json(survey.to_json()) == survey
    page = survey.save("out") / "survey.html"
    assert "c is not ranked" in page.read_text()
    assert (folder / "out/models.svg").exists()


def test_names_are_no_commands_and_control_no_terminal(capsys, folder):
    for name in ("::error::no", "x\x1b[31m\u202ey"):
        (folder / f"{name}_1.npz").write_bytes((folder / "a_1.npz").read_bytes())
    for words in (["--full"], ["--json"], ["--format", "csv"], ["--reference", "a_1.npz", "--metrics", "nll"]):
        found = run(capsys, "survey", "{model}_{severity}.npz", *words)
        assert found.code == 0
        for text in (found.out, found.err):
            assert not any(line.lstrip().startswith("::") for line in text.splitlines())
            assert not set(text) & set("\x1b\u202e")


def test_json_is_as_its_schema_says(capsys, folder):
    (folder / "b_2.npz").write_bytes(b"PK no zip")
    line = ("survey", "{model}_{severity}.npz", "--reference", "severity=1", "--fit-on", "severity=1", "--json", "-q")
    document = run(capsys, *line).json
    jsonschema.validate(document, schema("survey"))
    assert document["changes"][0]["differences"]["nll"]["p_holm"] is not None
    assert document["cells"][3]["error"]["code"] == "input"


def test_figures_are_for_papers(capsys, folder):
    for name in ("f.svg", "f.png"):
        assert run(capsys, "survey", "{model}_{severity}.npz", "--figure", name, "--width", "5", "-q").code == 0
    assert 'width="360pt"' in (folder / "f.svg").read_text()
    assert (folder / "f.png").read_bytes()[:4] == b"\x89PNG"
    assert run(capsys, "survey", "{model}_{severity}.npz", "--figure", "f.bmp", "-q").code == 2
    assert run(capsys, "survey", "{model}_{severity}.npz", "--width", "5", "-q").code == 2
    survey = calibeval.survey("{model}_{severity}.npz", rank="model")
    assert str(survey.figure().get_label()).startswith("ECE, %")
    assert str(survey.figure(of="models", width=4).get_label()).startswith("On the front")
    with pytest.raises(calibeval.UsageError, match="along"):
        survey.figure(of="alon")
