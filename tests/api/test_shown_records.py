"""Reports, comparisons, verdicts, maps and predictions in a notebook: names, print, figure, save, HTML."""

import html.parser
import json
from dataclasses import replace

import numpy as np
import pytest
from matplotlib.figure import Figure

import calibeval
from tests.data import logits_and_labels

LOGITS, LABELS = logits_and_labels(800, 3, seed=4)
BASE = calibeval.Predictions(logits=LOGITS, labels=LABELS)
BETTER = calibeval.Predictions(logits=LOGITS / 2, labels=LABELS)
RULES = [{"metric": "ece", "max": 0.01}, {"metric": "nll", "max_increase": 0.1}]


@pytest.fixture(scope="module")
def report():
    return calibeval.evaluate(BASE)


@pytest.fixture(scope="module")
def comparison():
    return calibeval.compare(BASE, BETTER)


@pytest.fixture(scope="module")
def verdict():
    return calibeval.gate(BASE, RULES, baseline=BETTER, why=True)


@pytest.fixture(params=["report", "dump", "comparison", "candidate", "verdict"])
def record(request, report, comparison, verdict):
    return {
        "report": report,
        "dump": report.dumps[0],
        "comparison": comparison,
        "candidate": comparison.candidates[0],
        "verdict": verdict,
    }[request.param]


def test_they_are_mappings(record):
    assert "ece" in record
    assert "eec" not in record
    assert 7 not in record
    assert len(record) == len(list(record)) == len(record.keys()) == len(record.values())
    assert dict(record) == dict(record.items())
    assert record["ece"] is record.get("ece")
    assert record.get("eec") is None
    assert "ece" in record._ipython_key_completions_()


def test_an_unknown_name_is_a_key_error_with_the_nearest(record):
    for kind in (KeyError, ValueError, calibeval.UnknownMetric):
        with pytest.raises(kind) as caught:
            record["eec"]
        assert str(caught.value).startswith(f'{record.NOUN} "eec" is unknown (did you mean "ece"?); there are ')


def test_a_repr_is_one_short_line(record):
    assert len(repr(record).splitlines()) == 1
    assert len(repr(record)) < 200
    assert "array" not in repr(record)


def test_reprs_of_predictions_and_maps_show_no_arrays():
    named = calibeval.Predictions(logits=LOGITS.astype(np.float32), labels=LABELS, columns={"site": LABELS})
    assert repr(named) == "<Predictions: logits (800, 3) float32, n=800, k=3, columns=site>"
    assert repr(calibeval.fit(BASE, "vector")) == "<VectorMap: k=3, fitted on 800 rows>"
    assert repr(calibeval.cross_fit(BASE, 3)) == "<CrossFitted: temperature in 3 folds, n=800>"


@pytest.mark.parametrize("name", ["report", "comparison", "verdict"])
def test_printing_figure_and_page(request, name):
    record = request.getfixturevalue(name)
    text = str(record)
    assert "ECE" in text
    assert "\x1b" not in text
    assert max(map(len, text.splitlines())) <= 100
    assert isinstance(record.figure(), Figure)
    page = record._repr_html_()
    html.parser.HTMLParser().feed(page)
    assert "<script" not in page
    assert "src=" not in page
    assert page.count("<style>") == 1


@pytest.mark.parametrize("name", ["report", "comparison", "verdict"])
def test_a_figure_on_the_last_line_of_a_cell_is_shown_without_pyplot(request, name):
    """IPython asks an object of an unknown class for _repr_png_, which gives bytes, or bytes with their size."""
    figure = request.getfixturevalue(name).figure(width=4)
    data, size = figure._repr_png_()
    assert data.startswith(b"\x89PNG")
    assert size["width"] == 400
    assert int.from_bytes(data[16:20], "big") == 2 * size["width"]  # sharp on dense screens


def test_what_is_left_where_styles_are_stripped_is_the_text(report):
    page = report._repr_html_()
    text = page[page.index("<pre>") + 5 : page.index("</pre>")]
    assert text.split() == str(report).replace(">", "&gt;").split()
    assert page.index("</pre>") < page.index('<div class="calibeval" hidden>')


def test_files_of_a_report(report, tmp_path):
    folder = report.save(tmp_path / "a" / "b")
    assert folder == tmp_path / "a" / "b"
    assert {p.name for p in folder.iterdir()} == {"bins.csv", "reliability.svg", "report.html", "report.json"}
    assert calibeval.Report.from_json((folder / "report.json").read_bytes()) == report
    assert (report.save(str(folder), png=True) / "reliability.png").read_bytes().startswith(b"\x89PNG")


def test_files_of_a_comparison(comparison, tmp_path):
    folder = comparison.save(tmp_path)
    assert {p.name for p in folder.iterdir()} == {"compare.html", "compare.md", "compare.json"}
    assert calibeval.Comparison.from_json((folder / "compare.json").read_bytes()) == comparison


def test_files_of_a_verdict(verdict, tmp_path):
    folder = verdict.save(tmp_path)
    assert {p.name for p in folder.iterdir()} == {"report.html", "report.json", "verdict.json"}
    assert json.loads((folder / "verdict.json").read_bytes())["verdict"] == "fail"
    assert "<title>FAILED: " in (folder / "report.html").read_text(encoding="utf-8")


def test_a_verdict_without_its_report_is_shown_as_text(verdict):
    bare = replace(verdict, report=None)
    assert bare == verdict
    assert bare._repr_html_().startswith("<pre>")
    with pytest.raises(calibeval.UsageError, match="nothing to draw"):
        bare.figure()


def test_a_folder_that_cannot_be_made(report, tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(OSError, match="the folder cannot be created"):
        report.save(tmp_path / "file")


def test_a_verdict_is_true_where_the_gate_passed(verdict):
    assert not verdict
    assert calibeval.gate(BASE, {"metric": "accuracy", "min": 0.0})
    assert bool(calibeval.evaluate(BASE))


def test_rules_on_one_metric_are_told_apart():
    rules = [
        {"metric": "accuracy", "min": 0.1},
        {"metric": "ece", "max": 0.9},
        {"metric": "ece", "max_increase": 0.9},
        {"metric": "ece", "max": 0.9, "slice": "class=0"},
    ]
    verdict = calibeval.gate(BASE, rules, baseline=BETTER)
    assert list(verdict) == ["accuracy", "ece max", "ece max_increase", "ece max class=0"]
    with pytest.raises(KeyError, match='rule "ece" is unknown'):
        verdict["ece"]


def test_one_rule_or_many_or_a_file(tmp_path):
    rule = {"metric": "accuracy", "min": 0.0}
    assert (
        calibeval.gate(BASE, rule)
        == calibeval.gate(BASE, [rule])
        == calibeval.gate(BASE, calibeval.Rule("accuracy", "min", 0.0))
    )
    path = tmp_path / "rules.toml"
    path.write_text('[gate]\nlevel = 0.9\n[[gate.rule]]\nmetric = "accuracy"\nmin = 0.0\n', encoding="utf-8")
    verdict = calibeval.gate(BASE, path)
    assert (verdict.settings.level, verdict.config) == (0.9, str(path))
    assert calibeval.gate(BASE, path, level=0.8).settings.level == 0.8
    strict = calibeval.gate(BASE, preset="strict", baseline=BETTER)
    assert list(strict) == ["ece", "nll", "brier", "confidence_gap", "accuracy"]
    assert calibeval.gate(BASE, rule, settings=calibeval.GateSettings(level=0.9), level=0.8).settings.level == 0.8


@pytest.mark.parametrize(
    ("rules", "message"),
    [([], "the list of rules is empty"), ([3], "a rule is a calibeval.Rule, or a table"), (None, "there are no rules")],
)
def test_rules_that_are_none(rules, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(calibeval.UsageError, match=message):
        calibeval.gate(BASE, rules)


def test_candidates_come_one_by_one_or_as_a_list(comparison):
    assert calibeval.compare(BASE, [BETTER]) == comparison
    both = calibeval.compare(BASE, BETTER, BASE)
    assert [one.name for one in both.candidates] == ["predictions (2)", "predictions (3)"]
    assert calibeval.compare(BASE, BASE)["ece"].difference == 0.0
    with pytest.raises(calibeval.UsageError, match="there is no candidate"):
        calibeval.compare(BASE)


def test_groups_as_an_array_everywhere():
    videos = np.arange(800) // 8
    assert calibeval.compare(BASE, BETTER, group=videos).candidates[0].groups.count == 100
    saved = calibeval.evaluate(BASE)
    assert calibeval.compare(saved, BETTER, group=videos).candidates[0].groups.count == 100
    assert calibeval.gate(BASE, RULES[0], group=videos).report.dumps[0].groups.count == 100
    folds = calibeval.cross_fit(BASE, 4, group=videos).folds
    assert all(len(set(folds[videos == v].tolist())) == 1 for v in range(100))
    assert calibeval.fit(BASE, "auto", group=videos).fitted.n == 800


def test_paths_everywhere(tmp_path):
    base, better = tmp_path / "base.npz", tmp_path / "better.npz"
    BASE.save(base)
    BETTER.save(str(better))
    assert calibeval.compare(base, better)["ece"] == calibeval.compare(BASE, BETTER)["ece"]
    calibeval.evaluate(base).save(tmp_path / "saved")
    unpaired = calibeval.compare(tmp_path / "saved" / "report.json", str(better))
    assert not unpaired.paired
    assert calibeval.gate(base, RULES, baseline=better)["nll"] == calibeval.gate(BASE, RULES, baseline=BETTER)["nll"]
    mapping = calibeval.fit(base)
    mapping.save(tmp_path / "map.json")
    assert calibeval.read_map(tmp_path / "map.json") == mapping
    assert "logits" in str(calibeval.inspect(base))
    assert calibeval.conventions(base)[0].metrics["ece"].value == calibeval.evaluate(base)["ece"].value


def test_predictions_are_not_written_over_their_own_file(tmp_path):
    BASE.save(tmp_path / "a.npz")
    with pytest.raises(calibeval.UsageError, match="is also an input and would be overwritten"):
        calibeval.read(tmp_path / "a.npz").save(tmp_path / "a.npz")


def test_maps_take_arrays():
    mapping = calibeval.fit(BASE)
    assert mapping(LOGITS) == pytest.approx(LOGITS / mapping.parameters()["temperature"])
    probs = np.exp(LOGITS) / np.exp(LOGITS).sum(axis=1, keepdims=True)
    repaired = mapping(probs, "probs")
    assert repaired.sum(axis=1) == pytest.approx(1.0)
    assert mapping(BASE).scores[:] == pytest.approx(mapping(LOGITS))
    with pytest.raises(calibeval.InputError, match="there are 2 classes, but the map was fitted on 3"):
        mapping([[1.0, 2.0]])


@pytest.mark.parametrize(("text", "kind"), [(None, OSError), ("{", ValueError), (b"\xff", ValueError)])
def test_files_that_are_no_maps(tmp_path, text, kind):
    path = tmp_path / "map.json"
    if text is not None:
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(kind, match=r"map\.json"):
        calibeval.read_map(path)


def test_what_describes_a_file_is_shown(tmp_path):
    named = calibeval.Predictions(logits=LOGITS, labels=LABELS, columns={"site": LABELS})
    path = tmp_path / "a.npz"
    named.save(path)
    found = calibeval.inspect(path)
    assert repr(found) == f"<Inspection of {path}: {path}>"
    assert found._repr_html_().startswith(f"<pre>{path}")
    tools = calibeval.conventions(path)
    assert (
        repr(tools)
        == "<Explanations of a.npz: calibeval, guo, mbls, torchmetrics, netcal, relplot, torch-uncertainty, hle, helm, "
        "minderer>"
    )
    assert repr(tools[0]).startswith("<calibeval: 15 bins; ece=0.")
    assert str(tools).startswith("a.npz · 800 rows · 3 classes\n\nconvention ")
    assert tools._repr_html_().startswith("<pre>a.npz ")
    (own, *others) = tools
    assert own.convention.name == "calibeval"
    assert len(others) == 9


def test_features_are_shown_without_their_arrays():
    features = calibeval.Features(features=LOGITS, labels=LABELS)
    assert repr(features) == "<Features: n=800, d=3, k=3, source='predictions'>"
    assert repr(calibeval.Features(features=LOGITS)).startswith("<Features: n=800, d=3, no labels,")
