"""`fit`, `apply`, and reports before and after, as a user runs them."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy.optimize import minimize_scalar

from calibeval import Predictions, evaluate, fit, read
from calibeval.recalibrate.fitting.before_after import Plan, out_of_fold, prospect, recalibrated
from calibeval.recalibrate.fitting.cross_fit import cross_fit
from calibeval.recalibrate.fitting.read_map import from_json
from calibeval.words.next_step import Ways, next_step
from tests.cli.invoking import run

VAL, TEST = "sample_data/diamonds.npz#val", "sample_data/diamonds.npz#test"
UNBINNED = ("accuracy", "nll", "brier")


def search(split):
    """The temperature by a float64 scalar search that shares no code with calibeval."""
    with np.load("sample_data/diamonds.npz") as dump:
        logits, labels = dump[f"{split}_logits"].astype(np.float64), dump[f"{split}_labels"]

    def nll(log_t):
        z = logits / np.exp(log_t)
        z -= z.max(axis=1, keepdims=True)
        return (np.log(np.exp(z).sum(axis=1)) - z[np.arange(len(z)), labels]).mean()

    return float(np.exp(minimize_scalar(nll, bounds=(-3, 3), method="bounded", options={"xatol": 1e-12}).x))


def test_fit_writes_the_optimum(capsys, tmp_path):
    out = tmp_path / "map.json"
    result = run(capsys, "fit", VAL, "-o", out)
    assert result.code == 0, result.err
    assert "accuracy  75.17 → 75.17 %" in result.out
    assert result.err == f"written to {out}\n"
    document = json.loads(out.read_text(encoding="utf-8"))
    assert document["parameters"]["temperature"] == pytest.approx(search("val"), rel=1e-6)
    assert document["fitted_on"]["split"] == "val"
    assert document["nll_after"] < document["nll_before"]


def test_after_auto_a_report_names_what_was_tried_and_proposes_none_of_it(capsys, tmp_path):
    out = tmp_path / "map.json"
    run(capsys, "fit", VAL, "--method", "auto", "-o", out)
    tried = [
        row["method"] for row in json.loads(out.read_text(encoding="utf-8"))["selection"] if row["nll"] is not None
    ]
    assert "isotonic" in tried
    for asked in (("--map", out), ("--fit-on", VAL, "--method", "auto"), ("--cross-fit", 2, "--method", "auto")):
        made = run(capsys, "report", TEST, *asked, "--json").json["dumps"][0]["recalibrated"]
        assert made["tried"] == tried
        shown = " ".join(run(capsys, "report", TEST, *asked).out.split())
        assert f" from {', '.join(tried[:-1])} and {tried[-1]}, by the NLL out of fold." in shown
        assert "does better" not in shown
    assert "tried" not in run(capsys, "report", TEST, "--fit-on", VAL, "--json").json["dumps"][0]["recalibrated"]


@pytest.mark.parametrize(("key", "shown"), [([], "NLL of right or wrong "), (["--method", "top-platt"], "NLL       ")])
def test_the_nll_of_right_or_wrong_is_called_so(capsys, tmp_path, key, shown):
    rng = np.random.default_rng(0)
    p = rng.uniform(0.5, 0.99, 500)
    right = rng.random(500) < p**2
    lines = ["confidence,correct", *(f"{c:.6f},{int(one)}" for c, one in zip(p, right, strict=True))]
    if key:  # every class is known
        lines = ["prob_0,prob_1,label", *(f"{1 - c:.9f},{c:.9f},{int(one)}" for c, one in zip(p, right, strict=True))]
    (tmp_path / "top.csv").write_text("\n".join(lines), encoding="utf-8")
    printed = run(capsys, "fit", tmp_path / "top.csv", *key).out.splitlines()[1]
    before = -np.log(np.where(right, p, 1 - p)).mean()
    assert printed.startswith(shown)
    assert float(printed.removeprefix(shown).split()[0]) == pytest.approx(before, abs=2e-5)


def test_files_of_the_top_label_and_repaired_copies_are_compared_by_id(capsys, tmp_path):
    rng = np.random.default_rng(1)
    rows = [f"{i},{c:.6f},{int(rng.random() < c**2)}" for i, c in enumerate(rng.uniform(0.5, 0.99, 500))]
    top, after = tmp_path / "top.csv", tmp_path / "after.csv"
    top.write_text("\n".join(["id,confidence,correct", *rows[:250]]), encoding="utf-8")
    (tmp_path / "val.csv").write_text("\n".join(["id,confidence,correct", *rows[250:]]), encoding="utf-8")
    run(capsys, "fit", tmp_path / "val.csv", "-o", tmp_path / "map.json")
    assert run(capsys, "apply", tmp_path / "map.json", top, "-o", after).code == 0
    assert "250 rows · rows paired by id" in run(capsys, "compare", top, after).out


def test_fit_to_json_is_the_map(capsys, tmp_path):
    out = tmp_path / "map.json"
    printed = run(capsys, "fit", VAL, "--json", "-q", "-o", out).out
    assert printed == out.read_text(encoding="utf-8") == from_json(printed).to_json()


@pytest.mark.parametrize("suffix", [".npz", ".csv", ".tsv", ".jsonl", ".parquet"])
def test_apply_then_report_equals_report_with_fit_on(capsys, tmp_path, suffix):
    run(capsys, "fit", VAL, "-o", tmp_path / "map.json")
    after = tmp_path / f"after{suffix}"
    assert run(capsys, "apply", tmp_path / "map.json", TEST, "-o", after).code == 0
    direct = run(capsys, "report", TEST, "--fit-on", VAL, "--json").json["dumps"][0]["recalibrated"]["metrics"]
    for name, metric in run(capsys, "report", after, "--json").json["dumps"][0]["metrics"].items():
        assert metric["value"] == pytest.approx(direct[name]["value"], rel=1e-12), name


def test_apply_keeps_ids_columns_and_class_names(capsys, tmp_path):
    run(capsys, "fit", VAL, "-o", tmp_path / "map.json")
    before = read(TEST)
    for suffix in (".npz", ".csv", ".parquet"):
        run(capsys, "apply", tmp_path / "map.json", TEST, "-o", tmp_path / f"after{suffix}")
        after = read(tmp_path / f"after{suffix}")
        assert after.class_names == before.class_names
        assert np.array_equal(after.ids, before.ids)
        assert np.array_equal(after.labels, before.labels)
        assert after.columns["color"].astype(str).tolist() == before.columns["color"].tolist()


def test_apply_writes_the_same_bytes_twice(capsys, tmp_path):
    run(capsys, "fit", VAL, "-o", tmp_path / "map.json")
    for name in ("one.npz", "two.npz"):
        run(capsys, "apply", tmp_path / "map.json", "sample_data/diamonds.npz#test", "-o", tmp_path / name)
    assert (tmp_path / "one.npz").read_bytes() == (tmp_path / "two.npz").read_bytes()


def test_dense_scores_keep_their_shape(capsys, tmp_path):
    rng = np.random.default_rng(0)
    path = tmp_path / "dense.npz"
    labels = rng.integers(0, 3, (4, 5, 6))
    labels[0, 0, 0] = 255
    np.savez(path, logits=rng.normal(size=(4, 3, 5, 6)), labels=labels, ignore_label=255)
    run(capsys, "fit", path, "-o", tmp_path / "map.json")
    assert run(capsys, "apply", tmp_path / "map.json", path, "-o", tmp_path / "after.npz").code == 0
    after = read(tmp_path / "after.npz")
    assert (after.layout, after.ignored, after.k) == ((4, 5, 6), 1, 3)


def test_a_temperature_keeps_accuracy_and_the_report_says_what_is_left(capsys):
    result = run(capsys, "report", TEST, "--fit-on", VAL)
    assert (
        "A temperature of 2.31 fitted on diamonds.npz#val repairs most of it: ECE 13.65 → 3.32, still beyond\n"
        "noise.\n" in result.out
    )
    assert "with T = 2.31" in result.out


def test_out_of_fold_numbers_are_close_to_those_on_new_rows(capsys):
    crossed = run(capsys, "report", TEST, "--cross-fit", "5", "--json").json["dumps"][0]["recalibrated"]
    fresh = run(capsys, "report", TEST, "--fit-on", VAL, "--json").json["dumps"][0]["recalibrated"]
    assert crossed["fitted_on"] == {"folds": 5, "seed": 0, "n": 20_000}
    assert crossed["metrics"]["nll"]["value"] == pytest.approx(fresh["metrics"]["nll"]["value"], abs=2e-3)


def test_rows_that_a_map_has_seen_are_refused_or_stamped(capsys, tmp_path):
    refused = run(capsys, "report", VAL, "--fit-on", VAL)
    assert refused.code == 3
    assert "are the same file and share 12,000 rows" in refused.err
    assert "--allow-leak" in refused.err
    stamped = run(capsys, "report", VAL, "--fit-on", VAL, "--allow-leak", "--json")
    assert "share 12,000 rows" in stamped.json["dumps"][0]["recalibrated"]["fitted_on"]["leak"]
    (warning,) = stamped.json["dumps"][0]["warnings"]
    assert warning["code"] == "leak"
    assert "share 12,000 rows" in warning["message"]


def test_index_splits_that_overlap_are_a_leak(capsys, tmp_path):
    rng = np.random.default_rng(0)
    path = tmp_path / "d.npz"
    splits = {"val_index": np.arange(60), "test_index": np.arange(50, 100)}
    np.savez(path, logits=rng.normal(size=(100, 3)), labels=rng.integers(0, 3, 100), **splits)
    result = run(capsys, "report", f"{path}#test", "--fit-on", f"{path}#val")
    assert result.code == 3
    assert "share 10 rows" in result.err


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["report", TEST, "--fit-on", VAL, "--cross-fit", "5"], 2, "--fit-on and --cross-fit exclude each other"),
        (["fit", VAL, "--method", "temprature"], 2, 'did you mean "temperature"?'),
        (["fit", VAL, "--method", "platt"], 2, "classes"),
        (
            ["fit", VAL, "--method", "auto", "--group", "colour"],
            2,
            'there is no column "colour" (did you mean "color"?)',
        ),
        (["apply", "sample_data/diamonds.npz", TEST, "-o", "x.npz"], 3, "diamonds.npz: a map must be JSON in UTF-8"),
        (["apply", "nowhere.json", TEST, "-o", "x.npz"], 4, "nowhere.json: there is no such file"),
        (
            ["apply", "{map}", "sample_data/digits_test.npz", "-o", "x.npz"],
            3,
            "there are 10 classes, but the map was fitted on 5",
        ),
        (["apply", "{map}", TEST, "-o", "x.xlsx"], 2, 'cannot write ".xlsx"'),
        (["apply", "{map}", TEST, "-o", "{map}"], 2, "is also an input"),
        (["report", TEST, "--figure", "x.gif"], 2, 'a figure cannot be a ".gif" file'),
        (["report", TEST, "--width", "5"], 2, "--width belongs to --figure"),
    ],
)
def test_what_cannot_be_is_refused(capsys, tmp_path, arguments, code, message):
    run(capsys, "fit", VAL, "-o", tmp_path / "map.json")
    words = [word.format(map=tmp_path / "map.json") for word in arguments]
    result = run(capsys, *words)
    assert result.code == code, result.err
    assert message in result.err
    assert result.out == ""


@pytest.mark.parametrize("temperature", [0, -1, "NaN", "1e999", '"2"', "null"])
def test_maps_with_impossible_parameters_are_invalid_input(capsys, tmp_path, temperature):
    path = tmp_path / "map.json"
    run(capsys, "fit", VAL, "-o", path)
    document = json.loads(path.read_text(encoding="utf-8"))
    text = path.read_text(encoding="utf-8").replace(repr(document["parameters"]["temperature"]), str(temperature))
    path.write_text(text, encoding="utf-8")
    result = run(capsys, "apply", path, TEST, "-o", tmp_path / "after.npz")
    assert result.code == 3
    assert result.err.startswith("map.json: ")
    assert not (tmp_path / "after.npz").exists()


def test_the_python_way_is_the_same(capsys):

    mapped = fit(read(VAL))(read(TEST))
    direct = run(capsys, "report", TEST, "--fit-on", VAL, "--json").json["dumps"][0]["recalibrated"]["metrics"]
    report = evaluate(mapped)
    for name in UNBINNED:
        assert report[name].value == direct[name]["value"]


@pytest.mark.parametrize("suffix", ["pdf", "svg", "png"])
def test_figures_are_written_in_the_format_of_the_suffix(capsys, tmp_path, suffix):
    path = tmp_path / f"figure.{suffix}"
    assert run(capsys, "report", TEST, "--fit-on", VAL, "--figure", path, "--width", "6", "-q").code == 0
    assert path.read_bytes().startswith({"pdf": b"%PDF", "svg": b"<?xml", "png": b"\x89PNG"}[suffix])


def test_the_page_shows_both(capsys, tmp_path):
    run(capsys, "report", TEST, "--fit-on", VAL, "-o", tmp_path)
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "With T = 2.31" in page
    assert "repairs most of it: ECE 13.65 → 3.32" in page.replace("\u202f", " ").replace("\xa0", " ")


def test_a_report_says_what_a_temperature_would_do(capsys):
    out = run(capsys, "report", TEST).out
    assert "\nNext: a temperature would take the ECE from 13.6 to about 3.3 % (out of fold)\n" in out
    assert f"\n      calibeval report {TEST} --fit-on {VAL}\n" in out
    for options in (["--json"], ["--format", "csv"], ["--fit-on", VAL], [VAL], ["--convention", "guo"]):
        assert "would take" not in run(capsys, "report", TEST, *options).out


@pytest.mark.parametrize("n", [300, 1000])
def test_the_noise_of_the_sample_is_not_told_as_what_a_temperature_leaves(n):
    """Logits 1.6 times too large: what is left after the repair is 1 to 2 %, what the sample would show, 3 to 7 %."""
    rng = np.random.default_rng(n)
    logits = 2.0 * rng.normal(size=(n, 5))
    true = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    labels = np.minimum((rng.random((n, 1)) > true.cumsum(axis=1)).sum(axis=1), 4)
    dump = Predictions(logits=1.6 * logits, labels=labels)
    floor = evaluate(out_of_fold(dump))["ece"].floor_high
    report = evaluate(dump)
    step = next_step(report, Ways(), prospect(dump, report.dumps[0], 2**30))
    assert step.sentence.endswith(f"% to within noise (up to {100 * floor:.1f} % on {n:,} rows)")


@pytest.mark.parametrize("wrong", [0, 1])
def test_nothing_is_said_where_no_finite_temperature_is_best(wrong):
    """300 rows that say 90 %, of which all are right: each sharper map is better than the last."""
    labels = np.ones(300, int)
    labels[:wrong] = 0
    dump = Predictions(probs=np.tile([0.1, 0.9], (300, 1)), labels=labels)
    for only in ((), ("ece",)):
        report = evaluate(dump, metrics=only).dumps[0] if only else evaluate(dump).dumps[0]
        assert (prospect(dump, report, 2**30) is None) is (wrong == 0)


def test_the_number_of_rows_is_the_effective_one_with_weights():
    rng = np.random.default_rng(8)
    confidence = rng.uniform(0.5, 1.0, 2000)
    logits = np.log(confidence / (1 - confidence))
    labels, weights = (rng.random(2000) < confidence).astype(int), np.resize([1.0, 4.0], 2000)
    dump = Predictions(logits=np.column_stack([0 * logits, 2 * logits]), labels=labels, weights=weights)
    # (1,000 * 5)^2 / (1,000 * 17) = 1,470.6
    report = evaluate(dump)
    assert " % on 1,471 rows)" in next_step(report, Ways(), prospect(dump, report.dumps[0], 2**30)).sentence


def test_nothing_is_promised_where_a_temperature_makes_it_worse():
    # Half of the rows are under-confident by 30 points, the others over-confident by 4: one temperature serves half.
    confidence = np.repeat([0.55, 0.8], 2000)
    wrong = np.concatenate((np.arange(2000) % 100 >= 85, np.arange(2000) % 100 >= 76)).astype(int)
    dump = Predictions(probs=np.column_stack((confidence, 1 - confidence, np.zeros(4000))), labels=wrong)
    report = evaluate(dump)
    assert evaluate(out_of_fold(dump))["ece"].value > report["ece"].value + 0.001
    step = next_step(report, Ways(), prospect(dump, report.dumps[0], 2**30))
    assert step.sentence == "a temperature would not lower the ECE (out of fold); see whether a vector map does better"


def test_of_two_classes_platts_map_is_promised_as_it_moves_the_mean():
    rng = np.random.default_rng(0)
    s = rng.normal(-3.0, 1.0, 6000)
    dump = Predictions(probs=1 / (1 + np.exp(-s - 0.6)), labels=rng.random(6000) < 1 / (1 + np.exp(-s)))
    report = evaluate(dump)
    found = prospect(dump, report.dumps[0], 2**30)
    assert (found.method, found.before.name) == ("platt", "ece_positive")
    after = evaluate(out_of_fold(dump, "platt"))["ece_positive"]
    assert (found.after.value, found.before.value) == (after.value, report["ece_positive"].value)
    step = next_step(report, Ways(repair="a", platt="b"), found)
    assert step.sentence.startswith("Platt's map (slope and intercept) would take the ECE P(pos) from ")
    assert step.command == "b"
    without = next_step(report, Ways(repair="a", platt="b"))
    assert without.sentence == "Platt's map (slope and intercept) may repair it; see it out of fold"


@pytest.mark.parametrize(("rows", "taken"), [(20_000, 20_000), (20_001, 10_001), (40_001, 13_334)])
def test_at_most_twenty_thousand_rows_are_taken_evenly(rows, taken):
    p = np.resize([0.2, 0.4, 0.6, 0.9], rows)
    found = out_of_fold(Predictions(probs=p, labels=np.resize([0, 1, 0, 1, 1], rows)))
    assert found.n == taken


def test_a_second_temperature_is_not_promised_for_what_no_digit_would_show(capsys, tmp_path):
    run(capsys, "fit", VAL, "-o", tmp_path / "map.json")
    run(capsys, "apply", tmp_path / "map.json", TEST, "-o", tmp_path / "repaired.npz")
    out = run(capsys, "report", tmp_path / "repaired.npz").out  # out of fold 3.27 % instead of 3.32
    assert "\nNext: a temperature would not lower the ECE (out of fold); see whether a vector map does better\n" in out


def test_exchanged_classes_are_not_offered_a_temperature(capsys, tmp_path):
    probs, labels = np.tile([[0.9, 0.05, 0.05], [0.05, 0.9, 0.05]], (60, 1)), np.resize([1, 0], 120)
    report = evaluate(probs=probs, labels=labels)
    assert report.dumps[0].warnings[0].code == "below_chance"
    assert prospect(Predictions(probs=probs, labels=labels), report.dumps[0], 2**30) is None
    np.savez(tmp_path / "exchanged.npz", probs=probs, labels=labels)
    out = run(capsys, "report", tmp_path / "exchanged.npz").out
    assert out.split("\n")[1].startswith("Check first: accuracy 0.0 % lies below chance")
    assert "\nNext: put classes and labels in order; no recalibration can do that\n" in out


def test_nothing_is_promised_where_nothing_is_to_repair(capsys, tmp_path):
    rng = np.random.default_rng(0)
    probs = rng.dirichlet(np.ones(3), 3000)
    labels = (rng.random(3000)[:, None] > probs.cumsum(axis=1)).sum(axis=1)
    np.savez(tmp_path / "calibrated.npz", probs=probs, labels=labels)
    assert "would" not in run(capsys, "report", tmp_path / "calibrated.npz").out


@pytest.mark.parametrize("folds", [2, 5])
def test_the_gap_of_maps_out_of_fold_is_as_uncertain_as_their_fits(folds):
    rng = np.random.default_rng(0)
    logits = 2.0 * rng.normal(size=(400, 3))
    dump = Predictions(logits=logits, labels=rng.integers(0, 3, 400))
    told = evaluate_cross_fitted(dump, folds)["confidence_gap"]
    plain = evaluate(cross_fit(dump, folds).predictions)["confidence_gap"]
    assert told.value == plain.value
    assert told.high - told.low == pytest.approx((plain.high - plain.low) * (folds / (folds - 1)) ** 0.5)


def evaluate_cross_fitted(dump, folds):
    plan = Plan("temperature", "nll", None, 0, None, folds=folds)
    found, _ = recalibrated(dump, plan, lambda one: evaluate(one).dumps[0])
    return found.metrics
