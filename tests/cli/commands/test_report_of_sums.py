"""`report part*.sums`: the report of all rows of saved sums, without any row."""

import hashlib
import json
from pathlib import Path

import jsonschema
import numpy as np
import pytest

import calibeval
from tests.cli.invoking import run
from tests.records import schema

RNG = np.random.default_rng(3)
LOGITS = RNG.normal(size=(900, 3))
LABELS = (LOGITS + RNG.normal(size=(900, 3))).argmax(axis=1)


def saved(folder, name="part", k=3, *, exact=False, **settings):
    for i in range(3):
        part = calibeval.Accumulator(k, **settings)
        part.update(logits=LOGITS[i::3, :k], labels=LABELS[i::3] % k)
        part.save(folder / f"{name}-{i}.sums", exact=exact)
    return [f"{name}-{i}.sums" for i in range(3)]


@pytest.fixture
def report(capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    return lambda *words: run(capsys, "report", *words)


@pytest.mark.parametrize("pattern", [True, False])
def test_all_files_are_one_dump(report, tmp_path, pattern):
    files = saved(tmp_path)
    done = report(*(["part-*.sums"] if pattern else files), "--json")
    assert done.code == 0, done.err
    (dump,) = json.loads(done.out)["dumps"]
    order = np.concatenate([np.arange(900)[i::3] for i in range(3)])
    whole = calibeval.evaluate(logits=LOGITS[order], labels=LABELS[order])
    assert (dump["name"], dump["source"]["n"], dump["source"]["format"]) == ("3 files of sums", 900, "sums")
    for name in ("accuracy", "ece", "mce", "cwce", "nll", "brier"):
        for field in ("value", "low", "high"):
            assert dump["metrics"][name][field] == pytest.approx(getattr(whole[name], field), abs=1e-12)


def test_one_file_at_a_terminal(report, tmp_path):
    file = saved(tmp_path)[0]
    done = report(file)
    assert done.code == 0, done.err
    assert done.out.startswith("part-0.sums · 300 rows · 3 classes · logits")
    assert "AECE: from sums: edges fall on ends of fixed cells" in done.out


def test_level_metrics_and_a_folder(report, tmp_path):
    file = saved(tmp_path)[0]
    done = report(file, "--no-intervals", "--metrics", "ece,nll", "-o", "out")
    assert done.code == 0, done.err
    (dump,) = json.loads((tmp_path / "out/report.json").read_text())["dumps"]
    assert [*dump["metrics"]] == ["ece", "nll"]
    assert dump["metrics"]["ece"].get("low") is None
    assert dump["source"]["format"] == "sums"


def test_metrics_of_confidences_can_be_named_later_and_one_that_needs_rows_says_so(report, tmp_path):
    file = saved(tmp_path)[0]
    done = report(file, "--metrics", "auroc,emax", "--json")
    found = json.loads(done.out)["dumps"][0]["metrics"]
    rows = calibeval.evaluate(logits=LOGITS[::3], labels=LABELS[::3], metrics=["auroc"])["auroc"]
    assert abs(found["auroc"]["value"] - rows.value) <= found["auroc"]["cell_error"] + 1e-12
    assert found["emax"]["reason"]["code"] == "rows_not_kept"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--slice", "site"], "--slice cannot be combined with saved sums"),
        (["--kind", "probs"], "--kind cannot be combined with saved sums"),
        (["--cross-fit", "5"], "--cross-fit cannot be combined with saved sums"),
        (["--convention", "guo"], "--convention cannot be combined with saved sums"),
        (["--bins", "10"], "--bins is 10, but these sums have 15"),
        (["other.npz"], "part-0.sums holds sums and other.npz does not"),
        (["ten-0.sums"], "part-0.sums and ten-0.sums: these sums cannot be added up: bins is 15 in the first, but 10"),
        (["two-0.sums"], "part-0.sums and two-0.sums: these sums cannot be added up: k is 3 in the first, but 2"),
    ],
)
def test_what_sums_cannot_do_is_refused(report, tmp_path, words, message):
    saved(tmp_path)
    saved(tmp_path, "ten", bins=10)
    saved(tmp_path, "two", k=2)
    done = report("part-0.sums", *words)
    assert done.code == 2
    assert message in done.err


def test_files_that_are_not_there_or_damaged(report, tmp_path):
    assert (report("none-*.sums").code, report("none.sums").code) == (4, 4)
    (tmp_path / "bad.sums").write_bytes(b"no archive")
    done = report("bad.sums")
    assert done.code == 3
    assert "bad.sums: these are no saved sums that can be read" in done.err


@pytest.mark.parametrize("command", [["conventions"], ["fit"]])
def test_other_commands_say_what_reads_sums(capsys, monkeypatch, tmp_path, command):
    monkeypatch.chdir(tmp_path)
    file = saved(tmp_path)[0]
    done = run(capsys, command[0], file, *command[1:])
    assert done.code == 3
    assert "part-0.sums: saved sums hold no rows, which are needed here; `calibeval report part*.sums`" in done.err


def test_a_part_that_is_given_twice_is_refused(report, tmp_path):
    files = saved(tmp_path)
    (tmp_path / "copy.sums").write_bytes((tmp_path / files[1]).read_bytes())
    for words in ([files[0], files[0]], [*files, "copy.sums"], [files[2], "part-*.sums"]):
        done = report(*words)
        assert done.code == 2
        assert "are in both (the same SHA-256): their rows would count twice" in done.err


def test_each_file_is_told_with_its_sha256(report, capsys, tmp_path):
    names = saved(tmp_path)
    digests = [hashlib.sha256(Path(name).read_bytes()).hexdigest() for name in names]
    one = report(names[0], "--json").json["dumps"][0]["source"]
    assert (one["path"], one["sha256"], one["format"]) == (names[0], digests[0], "sums")
    assert "files" not in one
    pairs = [*zip(names, digests, strict=True)]
    lines = "".join(f"{name}\0{digest}\n" for name, digest in pairs)
    for words in (["part-*.sums"], names):
        done = report(*words, "--json", "-o", "page")
        source = done.json["dumps"][0]["source"]
        assert (source["path"], source["sha256"]) == (None, hashlib.sha256(lines.encode()).hexdigest())
        assert source["files"] == [{"path": name, "sha256": digest} for name, digest in pairs]
        jsonschema.validate(done.json, schema("report"))
        assert calibeval.Report.from_json(done.out).to_json() == done.out
    page = Path("page/report.html").read_text()
    assert all(f'{name}, SHA-256 <span class="long">{digest}</span>' in page for name, digest in pairs)
    verdict = run(capsys, "gate", "part-*.sums", "--max", "ece=0.9", "--json").json
    assert verdict["dump"]["source"]["files"] == source["files"]
    jsonschema.validate(verdict, schema("verdict"))


def test_a_base_in_one_of_them_is_said_in_words(report, tmp_path):
    pair = calibeval.Accumulator(3)
    pair.update(logits=LOGITS, labels=LABELS, base=LOGITS / 2.0)
    pair.save(tmp_path / "pair.sums")
    saved(tmp_path)
    said = "these sums cannot be added up: the {} has a base, the {} has none\n"
    assert report("pair.sums", "part-0.sums").err == "pair.sums and part-0.sums: " + said.format("first", "other")
    assert report("part-0.sums", "pair.sums").err == "part-0.sums and pair.sums: " + said.format("other", "first")


def test_a_pattern_without_quotation_marks_is_explained(capsys, report, tmp_path):
    done = run(capsys, "gate", *saved(tmp_path), "--max", "ece=0.9")
    assert done.code == 2
    assert 'put the pattern in quotation marks, as "part-*.sums"' in done.err
    assert "quotation" not in run(capsys, "gate", "a.npz", "b.npz", "--max", "ece=0.9").err


def test_inspection_has_no_empty_paragraph(capsys, report, tmp_path):
    saved(tmp_path)
    assert "\n\n\n" not in run(capsys, "inspect", "part-0.sums").out
