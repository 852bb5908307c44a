"""The deployed head beside the new ones: its numbers are those of its own logits, its temperature is fitted on VAL."""

from __future__ import annotations

import csv
import io
import json

import numpy as np
import pytest

import calibeval
from calibeval.core.heads.deployed import DEPLOYED
from calibeval.core.heads.results import SHOWN, Finetuned
from calibeval.training.sweep import Sweep
from tests.cli import feature_files as files
from tests.cli.invoking import run

RNG = np.random.default_rng(7)
WEIGHT, BIAS = 6 * files.CENTRES + RNG.normal(size=(files.K, files.D)), RNG.normal(size=files.K)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Caches, and in that of TRAIN a head that is far too certain."""
    path = files.splits(tmp_path_factory.mktemp("caches"))
    files.write(path / "cache.npz", *files.rows(120, 0), head_weight=WEIGHT, head_bias=BIAS)
    return path


def train(folder, out, *, head="cache.npz", test=True, **options):
    return calibeval.finetune(
        folder / "train.npz",
        val=folder / "val.npz",
        test=folder / "test.npz" if test else None,
        out=folder / out,
        head=str(folder / head) if head.partition("#")[0].endswith(".npz") else head,
        **{"losses": "ce,ls", "lr": 0.05, "epochs": 3, "jobs": 1, **options},
    )


@pytest.fixture(scope="module")
def found(folder):
    return train(folder, "run")


def own(folder, split):
    """The predictions of the deployed head, computed by itself."""
    rows = np.load(folder / f"{split}.npz")
    return calibeval.Predictions(logits=rows["features"].astype(float) @ WEIGHT.T + BIAS, labels=rows["labels"])


def values(predictions):
    return {name: calibeval.evaluate(predictions, level=None)[name].value for name in SHOWN}


def test_its_numbers_are_those_of_its_own_logits(folder, found):
    temperature = calibeval.fit(own(folder, "val"))
    test = own(folder, "test")
    assert found.deployed.temperature == pytest.approx(temperature.temperature, rel=1e-9)
    assert found.deployed.before == pytest.approx(values(test), rel=1e-9)
    assert found.deployed.after == pytest.approx(values(temperature(test)), rel=1e-9)
    assert found.deployed.score == pytest.approx(values(temperature(own(folder, "val")))["nll"], rel=1e-9)
    assert found.deployed.source["path"] == (folder / "cache.npz").as_posix()
    assert found.deployed.source["sha256"] == found.settings.start.sha256


def test_the_score_is_the_one_that_chooses_heads(folder):
    found = train(folder, "plain", tune_on="nll", losses="ce")
    assert found.deployed.score == pytest.approx(values(own(folder, "val"))["nll"], rel=1e-9)


@pytest.mark.parametrize("temperature", ["fold", "none"])
def test_the_pair_is_the_comparison_with_both_temperatures(folder, temperature):
    found = train(folder, f"pair-{temperature}", temperature=temperature)
    chosen = found.losses[found.chosen]
    saved = [calibeval.read(folder / f"pair-{temperature}" / f"{split}_logits.npz") for split in ("val", "test")]
    base = calibeval.fit(own(folder, "val"))(own(folder, "test"))
    expected = calibeval.compare(base, calibeval.fit(saved[0])(saved[1]), metrics="nll").candidates[0]["nll"]
    pair = found.deployed.pair
    assert (pair.candidate, pair.base, pair.after, [*pair.differences]) == (chosen.name, DEPLOYED, True, ["nll"])
    for name in ("base", "candidate", "difference", "low", "high"):
        assert getattr(pair.differences["nll"], name) == pytest.approx(getattr(expected, name), rel=1e-3, abs=1e-6)


def test_it_is_the_first_row_of_the_table_and_of_the_report(folder, found):
    assert [row.name for row in found.rows()] == [DEPLOYED, "ce", "ls"]
    names = [dump["name"] for dump in files.load(folder / "run" / "report.json")["dumps"]]
    assert names[:2] == [f"{DEPLOYED}#val", f"{DEPLOYED}#test"]
    assert [name.partition("#")[0] for name in names[2:]] == ["ce", "ce", "ls", "ls"]


def test_it_is_compared_with_the_losses_in_every_column(found):
    best = {pair.base for pair in found.pairs}
    assert any({pair.candidate, pair.base} == {DEPLOYED, "ls"} for pair in found.pairs) or "ls" not in best
    assert {pair.candidate for pair in found.pairs} | best == {DEPLOYED, "ce", "ls"}
    assert DEPLOYED not in (found.pairs[0].candidate, found.pairs[0].base)


def test_json_and_the_file_hold_it(folder, found):
    again = Finetuned.from_json((folder / "run" / "finetune.json").read_bytes())
    assert again == found
    assert json.loads(found.to_json())["deployed"]["pair"]["base"] == DEPLOYED


def test_earlier_files_have_none(found):
    plain = json.loads(found.to_json())
    del plain["deployed"]
    assert Finetuned.from_json(json.dumps(plain)).deployed is None


@pytest.mark.parametrize(
    "change",
    [
        ("temperature", -1.0),
        ("temperature", None),
        ("temperature", "x"),
        ("before", {"ece": 2.0}),
        ("before", {"ece": "x"}),
        ("after", [1]),
    ],
)
def test_a_wrong_number_in_the_file_is_refused(found, change):
    plain = json.loads(found.to_json())
    plain["deployed"][change[0]] = change[1]
    with pytest.raises(calibeval.InputError, match=rf"deployed\.{change[0]}"):
        Finetuned.from_json(json.dumps(plain))


def test_a_new_head_has_no_deployed_one(folder):
    found = train(folder, "new", head="linear", losses="ce")
    assert found.deployed is None
    assert [row.name for row in found.rows()] == ["ce"]
    assert "deployed" not in str(found)


def test_a_finished_run_says_it_again(capsys, folder, monkeypatch):
    words = files.words(folder, "--head", folder / "cache.npz", "--resume", "-q", out="again")
    first = run(capsys, *words)
    monkeypatch.setattr(Sweep, "step", None)
    again = run(capsys, *words)
    assert (again.code, again.out) == (0, first.out)
    assert again.out.count(DEPLOYED) >= 4


def test_every_form_of_the_table_holds_it(capsys, folder):
    words = files.words(folder, "--head", folder / "cache.npz", "--resume", "-q", out="forms")
    text, md, latex, rows = (
        run(capsys, *words, *more).out for more in ([], *(["--format", x] for x in ("md", "latex", "csv")))
    )
    for shown in (text, md, latex):
        assert "the deployed head with a temperature" in " ".join(shown.split())
    assert sum(line.startswith(DEPLOYED + " ") for line in text.splitlines()) == 2
    assert md.splitlines()[2].startswith(f"| {DEPLOYED} |")
    assert next(line for line in latex.splitlines() if line.startswith(DEPLOYED)).endswith(r"\\")
    first = next(csv.DictReader(io.StringIO(rows)))
    assert (first["loss"], first["seed"]) == (DEPLOYED, "")
    assert float(first["nll"]) == pytest.approx(values(own(folder, "test"))["nll"], rel=1e-9)
    page = (folder / "forms" / "report.html").read_text(encoding="utf-8")
    assert page.index("the deployed head with a temperature") < page.index("<table")
    assert page.count("deployed head</bdi>") >= 3  # in both halves of the table, and above its diagram


def test_several_seeds_have_one_deployed_head(folder):
    found = train(folder, "seeds", seeds=2)
    assert found.rows()[0].deviation("nll", after=True) is None
    assert len(found.pairs) == 1
    assert f"{DEPLOYED} " in str(found)


def test_on_val_alone_the_sentence_says_who_chose(folder):
    found = train(folder, "val", test=False, losses="ce", lr=0.1, epochs=20)
    assert found.deployed.after["nll"] == found.deployed.score
    text = " ".join(str(found).split())
    assert text.startswith("ce is certainly better than the deployed head with a temperature: NLL 0.778 → 0.449, ")
    assert "on the same 80 rows of VAL. VAL also chose ce, which favours it. ce on VAL: accuracy" in text


def test_every_form_says_that_the_saved_head_is_without_its_temperature(capsys, folder):
    words = files.words(folder, "--head", folder / "cache.npz", "--temperature", "none", "--resume", "-q", out="apart")
    rate = ["--lr", 0.1, "--epochs", 20]
    forms = ([], ["--format", "md"], ["--format", "latex"])
    text, md, latex = (run(capsys, *words, *rate, *more).out for more in forms)
    page = (folder / "apart" / "report.html").read_text(encoding="utf-8")
    temperature = files.load(folder / "apart" / "head.json")["temperature"]
    for shown in (text, md, latex, page):
        flat = " ".join(shown.split())
        assert "mbls with its temperature is certainly better than the deployed head with a temperature: NLL" in flat
        assert f"The saved head is without it: divide its logits by {temperature:.3g}." in flat
