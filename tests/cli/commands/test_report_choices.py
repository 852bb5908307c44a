"""`report` with chosen metrics, a saved map, a stated format and arrays by role; `compare` with chosen metrics."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest

from tests.cli.invoking import failure, program, run

DIGITS, VAL, DIAMONDS = "sample_data/digits_test.npz", "sample_data/digits_val.npz", "sample_data/diamonds.npz"

FULL = "\n\n--full adds"


def metrics(result):
    return result.json["dumps"][0]["metrics"]


@pytest.fixture(scope="module")
def few(tmp_path_factory):
    """Rows of the diamonds in two colours."""
    with np.load(DIAMONDS) as arrays:
        held = {key.removeprefix("test_"): arrays[key] for key in arrays if key.startswith("test_")}
        names = arrays["class_names"]
    keep = np.flatnonzero(np.isin(held["color"], ["E", "J"]))[:2000]
    path = tmp_path_factory.mktemp("few") / "few.npz"
    np.savez(path, **{key: values[keep] for key, values in held.items()}, class_names=names)
    return path


@pytest.mark.parametrize(
    "more", [[], ["--convention", "mbls"], ["--slice", "color"], ["--group", "color"], ["--no-intervals"]]
)
def test_the_chosen_metrics_are_those_of_all(more, few, capsys):
    words = ["report", few, "--json", "-q", *more]
    every = metrics(run(capsys, *words))
    result = run(capsys, *words, "--metrics", "nll, ece")
    assert metrics(result) == {name: every[name] for name in ("ece", "nll")}
    assert all(set(one["metrics"]) == {"ece", "nll"} for one in result.json["dumps"][0].get("slices") or ())
    whole = metrics(run(capsys, *words, "--metrics", "all"))  # with those on request
    assert {name: one for name, one in whole.items() if name in every} == every
    assert {"ecce", "rmsce_debiased", "ece_top2", "auroc", "coverage@error=0.05"} <= set(whole) - set(every)


def test_all_keeps_the_metrics_that_are_named_beside_it(few, capsys):
    words = ["report", few, "--json", "-q", "--no-intervals", "--metrics"]
    every = metrics(run(capsys, *words, "all"))
    more = metrics(run(capsys, *words, "coverage@2%,ALL,ece,ece_top3"))
    assert set(more) == {*every, "coverage@error=0.02", "ece_top3"}
    refused = run(capsys, *words, "all,ecee")
    assert refused.code == 2
    assert 'metric \\"ecee\\" is unknown (did you mean \\"ece\\"?)' in refused.err


def test_a_map_is_measured_by_the_chosen_metrics(capsys):
    result = run(capsys, "report", DIGITS, "--fit-on", VAL, "--metrics", "brier", "--json", "-q")
    assert set(result.json["dumps"][0]["recalibrated"]["metrics"]) == {"brier"}


@pytest.mark.parametrize("names", ["nll", "ece", "brier", "accuracy", "mce_all_bins", "ece,nll"])
def test_every_screen_shows_what_was_chosen_and_does_not_say_that_it_failed(names, capsys, tmp_path):
    words = [DIGITS, "--metrics", names]
    for more in ([], [VAL], ["--fit-on", VAL], ["--out", tmp_path / "out"], ["--format", "md"]):
        result = run(capsys, "report", *words, *more, "-q")
        assert (result.code, result.err) == (0, "")
        assert "not measured" not in result.out
        for name in names.split(","):
            assert name.split("_")[0].lower() in result.out.lower()
    page = (tmp_path / "out/report.html").read_text(encoding="utf-8")
    assert "not measured" not in page


def test_the_headline_of_chosen_metrics_claims_no_more_than_they_show(capsys):
    out = run(capsys, "report", DIGITS, "--metrics", "nll").out
    assert "\nSays 96.5 % on average, is right 91.4 % of the time.\n" in out
    assert "Over-confident:" in run(capsys, "report", DIGITS, "--metrics", "accuracy,confidence_gap").out
    every = run(capsys, "report", DIGITS).out.splitlines()[2]
    assert run(capsys, "report", DIGITS, "--metrics", "ece").out.splitlines()[2] == every


def test_a_metric_that_this_dump_cannot_have(capsys):
    result = run(capsys, "report", DIGITS, "--metrics", "ece,ece_positive", "--json")
    assert set(metrics(result)) == {"ece"}
    assert result.err == "warning: there is no ece_positive here: it is for two classes\n"


@pytest.mark.parametrize("text", ["", ",", " "])
def test_a_list_of_no_metrics(text, capsys):
    result = run(capsys, "report", DIGITS, "--metrics", text)
    assert (result.code, result.out) == (2, "")
    assert result.err.startswith("--metrics names no metric; there are accuracy, ")


def test_compare_by_chosen_metrics(capsys, tmp_path):
    assert run(capsys, "report", DIGITS, "--out", tmp_path / "saved", "-q").code == 0
    words = ["--metrics", "brier,nll", "-q"]
    for base in (DIGITS, tmp_path / "saved/report.json"):
        every = run(capsys, "compare", base, "sample_data/digits_test.csv", "--json", "-q").json
        some = run(capsys, "compare", base, "sample_data/digits_test.csv", "--json", *words).json
        expected = every["candidates"][0]["differences"]
        assert some["candidates"][0]["differences"] == {name: expected[name] for name in ("nll", "brier")}
    out = run(capsys, "compare", DIGITS, "sample_data/digits_test.csv", *words).out
    assert "could not be compared" not in out
    assert "digits_test.csv and digits_test.npz are the same: no metric differs." in out


def test_full_is_all_that_was_measured(capsys):
    short, full = run(capsys, "report", DIGITS), run(capsys, "report", DIGITS, "--full")
    report = run(capsys, "report", DIGITS, "--json").json["dumps"][0]
    more = "metrics, full names, and tables of 10 classes and bins; --metrics all adds the rest."
    assert short.out.endswith(f"{FULL} {more}\n")
    assert "--full" not in full.out
    for name in report["metrics"]:
        assert f"  {name} " in full.out
    lines = [line.split() for line in full.out.splitlines()]
    for kind in ("equal_width", "equal_mass"):
        counts = [f"{row['count']:,}" for row in report["bins"][kind]]
        start = next(i for i, line in enumerate(lines) if line[:2] == [kind.replace("_", "-"), "bins,"]) + 2
        assert [line[3] for line in lines[start : start + len(counts)]] == counts
    for one in report["per_class"]:
        assert [one["name"], str(one["support"])] in [[line[0], line[-1]] for line in lines if line]
    assert report["source"]["sha256"] in full.out
    assert run(capsys, "report", DIGITS, "--full", "--format", "md").err == "--format and --full exclude each other\n"
    assert json.loads(run(capsys, "report", DIGITS, "--full", "--json").err) == failure(
        2, "--json and --full exclude each other"
    )


@pytest.fixture
def saved(capsys, tmp_path):
    path = tmp_path / "map.json"
    assert run(capsys, "fit", f"{DIAMONDS}#val", "--out", path, "-q").code == 0
    return path


def test_a_saved_map_gives_the_numbers_of_the_one_that_is_fitted(saved, capsys):
    words = ["report", f"{DIAMONDS}#test", "--json", "-q"]
    ours = run(capsys, *words, "--map", saved).json["dumps"][0]["recalibrated"]
    theirs = run(capsys, *words, "--fit-on", f"{DIAMONDS}#val").json["dumps"][0]["recalibrated"]
    assert ours == theirs


@pytest.mark.parametrize("split", ["val", "val+test", "test+val"])
def test_a_map_is_not_tested_on_the_rows_it_was_fitted_on(split, saved, capsys):
    words = ["report", f"{DIAMONDS}#{split}", "--map", saved, "--json"]
    refused = run(capsys, *words)
    assert (refused.code, refused.out) == (3, "")
    message = json.loads(refused.err)["error"]["message"]
    leak = f"the map was fitted on 12,000 rows of this file, {DIAMONDS}#val"
    assert message == f"{leak}: that would make results too optimistic. Use --allow-leak to see them anyway."
    allowed = run(capsys, *words, "--allow-leak")
    assert allowed.code == 0
    dump = allowed.json["dumps"][0]
    assert dump["recalibrated"]["fitted_on"]["leak"] == leak
    assert {"code": "leak", "message": leak} in dump["warnings"]


def test_a_map_of_a_whole_file_leaks_into_a_copy_of_it(capsys, tmp_path):
    copy = shutil.copy(DIGITS, tmp_path / "copy.npz")
    assert run(capsys, "fit", DIGITS, "--out", tmp_path / "map.json", "-q").code == 0
    assert run(capsys, "report", copy, "--map", tmp_path / "map.json").code == 3
    assert run(capsys, "report", VAL, "--map", tmp_path / "map.json", "-q").code == 0


def test_a_map_that_does_not_say_where_it_is_from(saved, capsys):
    document = json.loads(saved.read_text(encoding="utf-8"))
    document["fitted_on"]["sha256"] = None
    saved.write_text(json.dumps(document), encoding="utf-8")
    leak = "the map was fitted on about 12,000 rows of diamonds.npz#val: the same scores and labels in another file: "
    assert run(capsys, "report", f"{DIAMONDS}#val", "--map", saved).err.startswith(leak)
    document["fitted_on"]["sketch"] = None
    saved.write_text(json.dumps(document), encoding="utf-8")
    result = run(capsys, "report", f"{DIAMONDS}#val", "--map", saved)
    assert result.code == 0
    assert "the map does not say which file it was fitted on" in result.err


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["--map", "no.json"], 4, "no.json: there is no such file"),
        (["--map", "sample_data/digits_test.csv"], 3, "digits_test.csv: this is not a map"),
        (["--map", "SAVED"], 3, "digits_test.npz: there are 10 classes, but the map was fitted on 5"),
        (["--map", "SAVED", "--fit-on", VAL], 2, "--fit-on and --map exclude each other"),
        (["--map", "SAVED", "--cross-fit", "3"], 2, "--map and --cross-fit exclude each other"),
    ],
)
def test_maps_that_cannot_be_applied(words, code, message, saved, capsys):
    result = run(capsys, "report", DIGITS, *(saved if word == "SAVED" else word for word in words))
    assert (result.code, result.out) == (code, "")
    assert result.err.startswith(message)


@pytest.mark.parametrize("suffix", ["npz", "csv"])
def test_a_file_is_read_as_the_format_that_was_stated(suffix, capsys, tmp_path):
    whole = metrics(run(capsys, "report", f"sample_data/digits_test.{suffix}", "--json", "-q"))
    for name in ("dump", "dump.bin", "dump.pt"):
        path = shutil.copy(f"sample_data/digits_test.{suffix}", tmp_path / name)
        result = run(capsys, "report", path, "--read-as", suffix, "--json", "-q")
        assert metrics(result) == whole
        assert result.json["dumps"][0]["source"]["format"] == suffix
        assert run(capsys, "inspect", path, "--read-as", suffix, "--json").json["format"] == suffix
    assert run(capsys, "report", tmp_path / "dump", "-q").code == 3


def test_shards_and_features_are_read_as_stated(capsys, tmp_path):
    (tmp_path / "shards").mkdir()
    for i, part in enumerate(("test", "val")):
        shutil.copy(f"sample_data/digits_{part}.npz", tmp_path / f"shards/a{i}.bin")
    result = run(capsys, "report", tmp_path / "shards", "--read-as", "npz", "--json", "-q")
    assert result.json["dumps"][0]["source"]["n"] == 997 + 600
    shutil.copy("sample_data/diamonds_features.npz", tmp_path / "features")
    assert run(capsys, "inspect", tmp_path / "features", "--read-as", "npz").code == 0


def test_standard_input_is_read_as_stated(tmp_path):
    text = "prob_0\tprob_1\tlabel\n0.9\t0.1\t0\n0.2\t0.8\t1\n"
    words = ["report", "-", "--read-as", "tsv", "--json", "-q"]
    result = program(*words, input=text)
    assert result.json["dumps"][0]["source"]["format"] == "stdin-tsv"
    assert result.json["dumps"][0]["metrics"]["accuracy"]["value"] == 1.0
    wrong = program("report", "-", "--read-as", "npz", input=text)
    assert wrong == (2, "", "standard input must be csv, tsv, json or jsonl, so --read-as npz cannot work\n")


@pytest.mark.parametrize(
    "outcome", [["--key", "correct=right"], ["--key", "prediction=guess", "--key", "labels=truth"]]
)
def test_columns_of_the_top_label_by_role(outcome, capsys, tmp_path):
    path = tmp_path / "top.csv"
    path.write_text("sure,right,guess,truth\n0.9,1,2,2\n0.8,0,1,0\n0.7,1,0,0\n", encoding="utf-8")
    result = run(capsys, "report", path, "--key", "confidence=sure", *outcome, "--json", "-q")
    assert metrics(result)["accuracy"]["value"] == pytest.approx(2 / 3)
    assert metrics(result)["confidence_gap"]["value"] == pytest.approx(0.8 - 2 / 3)
    wrong = run(capsys, "report", path, "--key", "confidence=sure", "--key", "correct=rihgt")
    assert wrong.err.startswith('top.csv: --key correct=rihgt: there is no "rihgt" (did you mean "right"?); found ')


def test_log_probabilities_by_role(capsys, tmp_path):
    path = tmp_path / "log.csv"
    path.write_text("a,b,y\n-0.105360516,-2.302585093,0\n-1.609437912,-0.223143551,1\n", encoding="utf-8")
    result = run(capsys, "report", path, "--score-columns", "a,b", "--kind", "log_probs", "--json", "-q")
    assert metrics(result)["accuracy"]["value"] == 1.0
    refused = run(capsys, "report", DIGITS, "--key", "log_probs=logits")
    assert (refused.code, "so these are not log-probabilities" in refused.err) == (3, True)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--key", "labels=nope"], "--key labels=nope"),
        (["--labels-key", "nope"], "--labels-key"),
        (["--key", "logits=nope"], "--key logits=nope"),
        (["--key", "probs=nope"], "--key probs=nope"),
        (["--key", "log_probs=nope"], "--key log_probs=nope"),
        (["--key", "confidence=nope"], "--key confidence=nope"),
        (["--key", "ids=nope"], "--key ids=nope"),
    ],
)
def test_a_key_that_is_not_there_is_named_as_it_was_written(words, said, capsys):
    result = run(capsys, "report", DIGITS, *words)
    assert (result.code, result.out) == (3, "")
    assert result.err.startswith(f'digits_test.npz: {said}: there is no "nope"; found ')


def test_keys_that_would_change_nothing(capsys):
    for role in ("correct", "prediction"):
        result = run(capsys, "report", DIGITS, "--key", f"{role}=labels")
        words = f"--key {role}=labels: logits tell the prediction themselves; {role} goes with confidence"
        assert result == (2, "", f"digits_test.npz: {words}\n")
    both = run(capsys, "report", f"{DIGITS}#logits", "--key", "probs=logits")
    assert both == (2, "", "digits_test.npz#logits and --key probs=logits both name the scores; say one of them\n")


def test_full_of_a_map_shows_the_dump_before_and_after(capsys):
    words = ["report", DIGITS, "--cross-fit", "5", "--full", "-q"]
    full = run(capsys, *words).out
    assert full.count("\nequal-mass bins") == 2
    assert "digits_test.npz, temperature, 5 folds · 997 rows" in full
    assert run(capsys, *words, "--metrics", "mce_all_bins").out.count("  mce_all_bins  ") == 2


def test_full_of_several_dumps_and_of_slices(capsys):
    short, full = (run(capsys, "report", DIGITS, VAL, *more, "-q").out for more in ([], ["--full"]))
    assert short.endswith("\n\n--full shows each file with its intervals, bins and classes.\n")
    assert full.count("\nequal-width bins") == 2
    slices = ["report", "sample_data/diamonds.npz#test", "--slice", "class", "--slice", "color", "-q"]
    assert run(capsys, *slices, "--full").out.count("  RMSCE") == 2
    no_more = run(capsys, "report", "sample_data/diamonds.npz#test", "--metrics", "ece", "-q").out
    assert no_more.endswith(f"{FULL} full names and tables of 5 classes and bins.\n")


def test_exports_are_the_tables_of_format(capsys, tmp_path):
    for command, *dumps in (("report", DIGITS), ("compare", VAL, VAL)):
        kinds = {"markdown": "md", "csv": "csv", "latex": "latex"}
        files = [word for kind in kinds for word in ("--export", f"{kind}={tmp_path / kind}")]
        assert run(capsys, command, *dumps, *files, "--json", "-q").json
        for kind, table in kinds.items():
            assert (tmp_path / kind).read_text(encoding="utf-8") == run(
                capsys, command, *dumps, "--format", table, "-q"
            ).out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--export", "junit=a"], '--export "junit" is unknown; there are markdown, csv, latex'),
        (["--export", "csv"], '--export "csv" must be KIND=FILE, such as markdown=FILE'),
        (["--export", "csv=a", "--export", "latex=./a"], "a: two outputs are to be written to this file; name another"),
        (["-o", "out", "--export", "csv=out/bins.csv"], "out/bins.csv: two outputs are to be written to this file; "),
        (["--export", "csv={dump}"], "{dump}: is also an input and would be overwritten; name another output"),
    ],
)
def test_exports_that_cannot_be(words, message, capsys, tmp_path, monkeypatch):
    dump = shutil.copy(DIGITS, tmp_path / "d.npz")
    monkeypatch.chdir(tmp_path)
    result = run(capsys, "report", dump, *(word.format(dump=dump) for word in words))
    assert (result.code, result.out) == (2, "")
    assert result.err.startswith(message.format(dump=dump))
    assert [path.name for path in tmp_path.iterdir()] == ["d.npz"]


def test_a_map_of_the_same_rows_in_another_format_leaks(capsys, tmp_path):
    path = tmp_path / "map.json"
    run(capsys, "fit", DIGITS, "-o", path)
    words = ["report", "sample_data/digits_test.csv", "--map", path, "-q"]
    leak = "the map was fitted on about 997 rows of digits_test.csv: the same scores and labels in another file"
    refused = run(capsys, *words)
    assert refused.code == 3
    assert refused.err == f"{leak}: that would make results too optimistic. Use --allow-leak to see them anyway.\n"
    allowed = run(capsys, *words, "--allow-leak", "--json").json["dumps"][0]
    assert allowed["recalibrated"]["fitted_on"]["leak"] == leak
    assert run(capsys, "report", VAL, "--map", path, "-q").code == 0
    document = json.loads(path.read_text(encoding="utf-8"))
    del document["fitted_on"]["sketch"]  # as 0.1.0 wrote it
    path.write_text(json.dumps(document), encoding="utf-8")
    assert run(capsys, *words).code == 0
    document["fitted_on"]["sketch"] = "xyz"
    path.write_text(json.dumps(document), encoding="utf-8")
    damaged = run(capsys, *words)
    assert (damaged.code, damaged.err) == (3, "the sketch of the fitted rows is no list of hashes\n")


def test_of_two_classes_those_of_the_positive_class_are_first(capsys, tmp_path):
    rng = np.random.default_rng(0)
    p = rng.random(400)
    np.savez(tmp_path / "two.npz", probs=np.c_[1 - p, p], labels=(rng.random(400) < p).astype(int))
    lines = run(capsys, "report", tmp_path / "two.npz", "--metrics", "all", "-q").out.splitlines()
    first = next(i for i, line in enumerate(lines) if line.startswith("gap P(pos)"))
    assert [line[:12].strip() for line in lines[first : first + 4]] == [
        "gap P(pos)",
        "ECE P(pos)",
        "Brier P(pos)",
        "accuracy",
    ]
