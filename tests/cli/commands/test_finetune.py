"""`calibeval finetune`: what lies in a run's folder, and that its numbers are those of the saved heads."""

from __future__ import annotations

import csv
import io
import json
from importlib import resources

import jsonschema
import numpy as np
import pytest
import torch
from safetensors.torch import load_file

import calibeval
from calibeval.cli.main import main
from calibeval.core.report.report import Report
from tests.cli import feature_files as files
from tests.cli.invoking import run

LOSSES = "ce,mbls(margin=1),cals(margin=2),cals_hr(margin=1)"
FOLDERS = ["ce", "mbls-margin=1", "cals-margin=2", "cals_hr-margin=1"]
FAST = ["--loss", LOSSES, "--lr", "0.05"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return files.splits(tmp_path_factory.mktemp("caches"))


def train(folder, *arguments, **options):
    assert main([str(word) for word in (*files.words(folder, *arguments, **options), "--quiet", "--json")]) == 0
    return folder / options.get("out", "run")


@pytest.fixture(scope="module")
def trained(folder):
    return train(folder, *FAST)


def schema(name):
    return json.loads(resources.files("calibeval").joinpath("schemas", f"{name}.json").read_text(encoding="utf-8"))


def test_the_folder_holds_what_is_promised(trained):
    assert {path.name for path in trained.iterdir()} == {
        "finetune.json", "head.json", "head.safetensors", "history.jsonl", "losses", "report.html", "report.json",
        "test_logits.npz",
        "val_logits.npz",
    }  # fmt: skip
    assert sorted(path.name for path in (trained / "losses").iterdir()) == sorted(FOLDERS)


def test_the_head_that_val_likes_best_lies_on_top(trained):
    found = files.load(trained / "finetune.json")
    scores = {loss["name"]: loss["seeds"][0]["score"] for loss in found["losses"]}
    assert found["chosen"] == min(scores, key=scores.get)
    best = trained / "losses" / FOLDERS[LOSSES.split(",").index(found["chosen"])]
    for name in ("head.safetensors", "head.json", "val_logits.npz", "test_logits.npz"):
        assert (trained / name).read_bytes() == (best / name).read_bytes()


@pytest.mark.parametrize("name", ["", *(f"losses/{name}" for name in FOLDERS)])
def test_a_saved_head_is_a_plain_linear_on_raw_features(folder, trained, name):
    plain = torch.nn.Linear(files.D, files.K)
    plain.load_state_dict(load_file(trained / name / "head.safetensors"))
    for split in ("val", "test"):
        features = torch.tensor(np.load(folder / f"{split}.npz")["features"])
        with torch.no_grad():
            logits = plain(features).numpy()
        saved = calibeval.read(trained / name / f"{split}_logits.npz")
        np.testing.assert_allclose(saved.scores, logits, atol=2e-5)
        assert (saved.labels == np.load(folder / f"{split}.npz")["labels"]).all()


def test_a_saved_mlp_is_a_plain_sequential(folder):
    path = train(folder, "--head", "mlp", "--hidden", 7, "--loss", "ls", out="mlp")
    plain = torch.nn.Sequential(torch.nn.Linear(files.D, 7), torch.nn.ReLU(), torch.nn.Linear(7, files.K))
    plain.load_state_dict(load_file(path / "head.safetensors"))
    with torch.no_grad():
        logits = plain(torch.tensor(np.load(folder / "val.npz")["features"])).numpy()
    np.testing.assert_allclose(calibeval.read(path / "val_logits.npz").scores, logits, atol=2e-5)
    facts = files.load(path / "head.json")
    jsonschema.validate(facts, schema("head"))
    assert facts["kind"] == "mlp"


def test_the_folded_temperature_leaves_nothing_to_scale(trained):
    for name in FOLDERS:
        facts = files.load(trained / "losses" / name / "head.json")
        assert facts["temperature_folded"]
        saved = calibeval.read(trained / "losses" / name / "val_logits.npz")
        assert calibeval.fit(saved).parameters()["temperature"] == pytest.approx(1.0, abs=1e-4)


def test_without_folding_the_logits_need_the_temperature(folder, trained):
    path = train(folder, *FAST, "--temperature", "none", out="unfolded")
    for name in FOLDERS:
        facts = files.load(path / "losses" / name / "head.json")
        assert not facts["temperature_folded"]
        saved = calibeval.read(path / "losses" / name / "val_logits.npz")
        assert calibeval.fit(saved).parameters()["temperature"] == facts["temperature"]
        folded = calibeval.read(trained / "losses" / name / "val_logits.npz")
        np.testing.assert_allclose(saved.scores / facts["temperature"], folded.scores, atol=1e-5)


def test_reports_are_those_of_the_saved_logits(folder, capsys):
    path = train(folder, *FAST, "--temperature", "none", out="reported")
    text = (path / "report.json").read_text(encoding="utf-8")
    jsonschema.validate(json.loads(text), schema("report"))
    found = {dump.name: dump for dump in Report.from_json(text).dumps}
    names = LOSSES.split(",")
    assert list(found) == [f"{name}#{split}" for name in names for split in ("val", "test")]
    for loss, name in zip(names, FOLDERS, strict=True):
        part = path / "losses" / name
        capsys.readouterr()
        result = run(capsys, "report", part / "test_logits.npz", "--fit-on", part / "val_logits.npz", "--json")
        expected = Report.from_json(result.out).dumps[0]
        dump = found[f"{loss}#test"]
        assert dump.metrics == expected.metrics
        assert dump.recalibrated.metrics == expected.recalibrated.metrics
        assert dump.recalibrated.parameters == expected.recalibrated.parameters
        assert dump.source.path == (folder / "test.npz").as_posix()


def test_the_table_holds_the_reports_numbers(trained):
    table = files.load(trained / "finetune.json")
    dumps = {dump["name"]: dump for dump in files.load(trained / "report.json")["dumps"]}
    jsonschema.validate(table, schema("training"))
    assert table["shown"] == "test"
    for loss in table["losses"]:
        dump = dumps[f"{loss['name']}#test"]
        seed = loss["seeds"][0]
        for metric, value in seed["before"].items():
            assert value == dump["metrics"][metric]["value"]
            assert seed["after"][metric] == dump["recalibrated"]["metrics"][metric]["value"]
        assert seed["temperature"] == dump["recalibrated"]["parameters"]["temperature"]


def test_the_history_has_a_line_for_each_epoch(trained):
    lines = [json.loads(line) for line in (trained / "history.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [line["epoch"] for line in lines] == [1, 2, 3]
    assert all([head["loss"] for head in line["heads"]] == LOSSES.split(",") for line in lines)
    facts = files.load(trained / "losses" / "ce" / "head.json")
    kept = lines[facts["epoch"] - 1]["heads"][0]
    score = files.load(trained / "finetune.json")["losses"][0]["seeds"][0]["score"]
    assert kept["val_nll_after_temperature"] == score
    saved = calibeval.evaluate(calibeval.read(trained / "losses" / "ce" / "val_logits.npz"), level=None)
    assert saved["nll"].value == pytest.approx(score, rel=1e-4)
    assert saved["accuracy"].value == pytest.approx(kept["val_accuracy"])


def test_facts_of_a_head_follow_their_schema(trained, folder):
    for name in FOLDERS:
        facts = files.load(trained / "losses" / name / "head.json")
        jsonschema.validate(facts, schema("head"))
        kinds = {"cals-margin=2": {"lambd", "rho"}, "cals_hr-margin=1": {"lambd"}}.get(name, set())
        found = facts["multipliers"] or {}
        assert {kind for kind, values in found.items() if values is not None and len(values) == 3} == kinds
        assert {*found} == ({"lambd", "rho"} if kinds else set())
        assert facts["sources"]["train"]["path"] == str(folder / "train.npz")
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**facts, "temperature": None}, schema("head"))


def test_the_same_command_gives_the_same_bytes(folder, trained):
    assert files.contents(train(folder, *FAST, out="again")) == files.contents(trained)


def test_threads_change_no_byte(folder, trained):
    assert files.contents(train(folder, *FAST, "--jobs", 2, out="threads")) == files.contents(trained)


def test_another_seed_is_another_head(folder, trained):
    other = train(folder, *FAST, "--seed", 1, out="seed")
    assert (other / "head.safetensors").read_bytes() != (trained / "head.safetensors").read_bytes()


def test_the_test_split_changes_no_head(folder, trained):
    features, labels = files.rows(40, seed=11)
    files.write(folder / "other.npz", features + 3.0, labels[::-1].copy())
    words = files.words(folder, *FAST, "--test", folder / "other.npz", out="other", test=False)
    assert main([str(word) for word in (*words, "-q", "--json")]) == 0
    for name in ("head.safetensors", "val_logits.npz", "history.jsonl"):
        assert (folder / "other" / name).read_bytes() == (trained / name).read_bytes()
    tables = [files.load(path / "finetune.json") for path in (folder / "other", trained)]
    assert tables[0]["chosen"] == tables[1]["chosen"]
    assert tables[0]["losses"][0]["seeds"][0]["before"] != tables[1]["losses"][0]["seeds"][0]["before"]


def test_without_a_test_split_results_are_stamped(folder, capsys):
    result = run(capsys, *files.words(folder, "--loss", "ce", test=False, out="stamped"))
    assert result.code == 0
    words = " ".join(result.out.split())
    assert "these numbers were measured on VAL, which also stopped training" in words
    assert files.load(folder / "stamped" / "finetune.json")["shown"] == "val"
    assert not (folder / "stamped" / "test_logits.npz").exists()
    assert "optimistic" in files.load(folder / "stamped" / "report.json")["dumps"][0]["warnings"][-1]["message"]


def test_a_head_that_goes_on_begins_as_it_was(folder, trained):
    start = trained / "losses" / "ce"
    path = train(
        folder, "--head", start, "--loss", "ce", "--lr", 1e-12, "--epochs", 1, "--temperature", "none", out="on"
    )
    found, before = (load_file(head / "head.safetensors") for head in (path, start))
    for name in ("weight", "bias"):
        torch.testing.assert_close(found[name], before[name], rtol=1e-4, atol=1e-5)
    assert files.load(path / "finetune.json")["settings"]["head"] == "continued"


def test_a_head_that_goes_on_becomes_better(folder, trained):
    start = trained / "losses" / "ce"
    path = train(folder, "--head", start, "--loss", "ce", "--lr", 0.05, "--epochs", 10, out="better")
    scores = [files.load(head / "finetune.json")["losses"][0]["seeds"][0]["score"] for head in (path, trained)]
    assert scores[0] < scores[1]


def test_seeds_are_trained_one_by_one(folder, trained, capsys):
    capsys.readouterr()
    result = run(capsys, *files.words(folder, *FAST, "--seeds", 3, "--format", "csv", out="seeds"))
    assert result.code == 0
    found = files.load(folder / "seeds" / "finetune.json")
    assert [[seed["seed"] for seed in loss["seeds"]] for loss in found["losses"]] == [[0, 1, 2]] * len(FOLDERS)
    first = files.load(trained / "finetune.json")
    for one, other in zip(found["losses"], first["losses"], strict=True):
        assert one["seeds"][0] == other["seeds"][0]
        assert len({seed["before"]["nll"] for seed in one["seeds"]}) == 3
    assert (folder / "seeds" / "losses" / "ce" / "head.safetensors").read_bytes() == (
        trained / "losses" / "ce" / "head.safetensors"
    ).read_bytes()
    rows = list(csv.DictReader(io.StringIO(result.out)))
    assert [row["seed"] for row in rows] == ["0", "1", "2"] * len(FOLDERS)
    assert float(rows[4]["nll_after"]) == found["losses"][1]["seeds"][1]["after"]["nll"]


def test_tuning_takes_the_best_trial_of_each_loss(folder):
    path = train(folder, "--tune", "--trials", 4, "--loss", "ce,mbls,cals(margin=2)", out="tuned")
    lines = [json.loads(line) for line in (path / "history.jsonl").read_text(encoding="utf-8").splitlines()]
    trials = [line["heads"] for line in lines if line["trial"]]
    assert len(trials[0]) == 3 * 4
    found = files.load(path / "finetune.json")
    for i, loss in enumerate(found["losses"]):
        best = [min(heads[j]["val_nll_after_temperature"] for heads in trials) for j in range(4 * i, 4 * i + 4)]
        chosen = trials[0][4 * i + best.index(min(best))]
        assert (loss["parameters"]["lr"], loss["parameters"]["weight_decay"]) == (chosen["lr"], chosen["weight_decay"])
        assert loss["seeds"][0]["score"] == pytest.approx(min(best), rel=1e-5)
    assert found["losses"][2]["parameters"]["margin"] == 2  # said, so not tuned
    assert found["losses"][1]["parameters"]["margin"] != 10.0
    jsonschema.validate(found, schema("training"))


@pytest.mark.parametrize("score", ["nll", "nll-after-temperature"])
def test_tuning_on_either_score(folder, score):
    path = train(folder, "--loss", "ls(alpha=0.2)", "--tune", "--trials", 3, "--tune-on", score, out=f"on-{score}")
    lines = [json.loads(line) for line in (path / "history.jsonl").read_text(encoding="utf-8").splitlines()]
    key = {"nll": "val_nll", "nll-after-temperature": "val_nll_after_temperature"}[score]
    best = min(line["heads"][0][key] for line in lines if not line["trial"])
    assert files.load(path / "finetune.json")["losses"][0]["seeds"][0]["score"] == best


def test_class_names_go_with_the_head(tmp_path):
    files.splits(tmp_path, class_names=np.array(["cat", "<dog>", "a\tb"]))
    path = train(tmp_path, "--loss", "ce")
    assert files.load(path / "head.json")["class_names"] == ["cat", "<dog>", "a\tb"]
    assert calibeval.read(path / "val_logits.npz").class_names == ("cat", "<dog>", "a\tb")


def test_ignored_rows_ids_and_columns(tmp_path):
    files.splits(tmp_path, ignore_index=np.array(2))
    with np.load(tmp_path / "val.npz") as val:
        more = {"ids": np.arange(80) + 1000, "site": np.arange(80) % 4}
        np.savez(tmp_path / "val.npz", **val, **more)
    path = train(tmp_path, "--loss", "ce", test=False)
    saved = calibeval.read(path / "val_logits.npz")
    kept = np.load(tmp_path / "val.npz")["labels"] != 2
    assert saved.n == kept.sum()
    assert (saved.ids == np.arange(1000, 1080)[kept]).all()
    assert (saved.columns["site"] == (np.arange(80) % 4)[kept]).all()


@pytest.mark.parametrize("dtype", ["float16", "float64", "int16", ">f4"])
def test_stored_types_give_the_same_head(tmp_path, dtype):
    files.splits(tmp_path)
    for name in ("train", "val", "test"):
        with np.load(tmp_path / f"{name}.npz") as cache:
            whole = np.round(cache["features"] * 8)
            files.write(tmp_path / f"{name}.npz", whole.astype(np.float32), cache["labels"])
    first = files.contents(train(tmp_path, "--loss", "ce", out="float32"))
    for name in ("train", "val", "test"):
        with np.load(tmp_path / f"{name}.npz") as cache:
            files.write(tmp_path / f"{name}.npz", cache["features"].astype(dtype), cache["labels"])
    second = files.contents(train(tmp_path, "--loss", "ce", out="stored"))
    for name in ("head.safetensors", "history.jsonl", "val_logits.npz"):
        assert first[name] == second[name]


def test_features_that_stay_where_they_are_give_the_same_head(folder, trained):
    path = train(folder, *FAST, "--max-memory", 2000, out="staged")
    assert (path / "head.safetensors").read_bytes() == (trained / "head.safetensors").read_bytes()


def test_what_an_earlier_run_left_goes(tmp_path):
    files.splits(tmp_path)
    train(tmp_path, "--loss", "ce,ls,focal")
    kept = tmp_path / "run" / "losses" / "ls" / "notes.txt"
    kept.write_text("mine", encoding="utf-8")
    train(tmp_path, "--loss", "mbls", "--overwrite", test=False)
    left = files.contents(tmp_path / "run")
    assert set(left) == {
        "finetune.json", "head.json", "head.safetensors", "history.jsonl", "report.html", "report.json",
        "val_logits.npz",
        "losses/ls/notes.txt",
    }  # fmt: skip


def test_json_is_the_file_and_with_what_it_was_made(folder, capsys):
    words = files.words(folder, "--loss", "ce", "--json", out="json")
    result = run(capsys, *words)
    made = result.json["environment"]
    assert made["command"] == [str(word) for word in words if word not in ("--jobs", 1)]
    text = json.dumps({**result.json, "environment": None}, indent=1) + "\n"
    assert text == (folder / "json" / "finetune.json").read_text(encoding="utf-8")


def test_progress_and_quiet(folder, capsys):
    loud = run(capsys, *files.words(folder, "--loss", "ce", out="loud"))
    assert loud.err.splitlines()[0].startswith("1/1 training: epoch 3/3, loss ")
    assert loud.err.splitlines()[-1] == f"written to {folder / 'loud'}"
    assert run(capsys, *files.words(folder, "--loss", "ce", "-q", out="quiet")).err == ""


def test_few_rows_that_a_line_separates_are_learnt_or_said_to_be_unlearnt(tmp_path, capsys):
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, 450)
    rows = rng.normal(size=(450, 8)) + 6.0 * np.eye(8)[labels]
    for name, part in (("train", slice(0, 300)), ("val", slice(300, 375)), ("test", slice(375, 450))):
        files.write(tmp_path / f"{name}.npz", rows[part].astype(np.float32), labels[part])
    command = ["finetune", tmp_path / "train.npz", "--val", tmp_path / "val.npz", "--loss", "ce", "--json", "-q"]
    found = json.loads(run(capsys, *command, "--out", tmp_path / "usual").out)
    assert found["losses"][0]["seeds"][0]["before"]["accuracy"] > 0.98
    assert found["settings"]["batch_size"] == 12
    assert "not_converged" not in {warning["code"] for warning in found["warnings"]}
    short = ["--lr", 1e-4, "--epochs", 2]
    found = json.loads(run(capsys, *command, *short, "--out", tmp_path / "short").out)
    (said,) = [warning["message"] for warning in found["warnings"] if warning["code"] == "not_converged"]
    assert said.startswith("ce: training had not converged")
    assert said in (tmp_path / "short" / "report.html").read_text(encoding="utf-8")
