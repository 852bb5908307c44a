"""Remote files wherever a command names a dump, labels, a base, a map, sums or class names."""

from __future__ import annotations

import json

import jsonschema
import numpy as np
import pytest

import calibeval
from calibeval import Report
from calibeval.readers.remote import fetched
from tests.cli.invoking import run
from tests.readers.remote.made import as_npz, dump
from tests.readers.remote.serving_s3 import s3_server
from tests.records import schema


@pytest.fixture(scope="module")
def bucket():
    with s3_server() as made:
        arrays = dump(2000, 4)
        made.put("a.npz", as_npz(arrays))
        made.put("b.npz", as_npz(dump(2000, 4, seed=1) | {"labels": arrays["labels"]}))
        made.put("scores.npz", as_npz({"logits": arrays["logits"]}))
        made.put("labels.npz", as_npz({"labels": arrays["labels"]}))
        made.put("names.txt", b"cat\ndog\nbird\nfish\n")
        made.put(
            "splits.npz",
            as_npz({f"{s}_{key}": v for s in ("val", "test") for key, v in dump(2000, 4, ord(s[0])).items()}),
        )
        yield made


def succeeded(capsys, *words):
    done = run(capsys, *words)
    assert (done.code, done.err) == (0, "")
    return done


def test_report_with_labels_of_another_file_and_class_names(bucket, capsys):
    words = ["--labels", "s3://bucket/labels.npz", "--class-names", "s3://bucket/names.txt", "--json"]
    found = succeeded(capsys, "report", "s3://bucket/scores.npz", *words).json["dumps"][0]
    whole = succeeded(capsys, "report", "s3://bucket/a.npz", "--json").json["dumps"][0]
    assert found["metrics"] == whole["metrics"]
    assert found["source"]["labels_path"] == "s3://bucket/labels.npz"
    assert found["source"]["labels_remote"]["read"] == "ranges"
    assert [one["name"] for one in found["per_class"]] == ["cat", "dog", "bird", "fish"]


def test_report_before_and_after_a_map_fitted_on_another_split(bucket, capsys):
    done = succeeded(
        capsys, "report", "s3://bucket/splits.npz#test", "--fit-on", "s3://bucket/splits.npz#val", "--json"
    )
    source, fitted_on = done.json["dumps"][0]["source"], done.json["dumps"][0]["recalibrated"]["fitted_on"]
    assert (fitted_on["path"], fitted_on["remote"]) == ("s3://bucket/splits.npz", source["remote"])
    jsonschema.validate(done.json, schema("report"))
    assert Report.from_json(done.out).to_json() == done.out
    same = run(capsys, "report", "s3://bucket/splits.npz#val", "--fit-on", "s3://bucket/splits.npz#val")
    assert same.code == 3
    assert "are the same file and share 2,000 rows" in same.err


def test_the_next_step_names_the_url(bucket, capsys):
    done = succeeded(capsys, "report", "s3://bucket/splits.npz#test")
    assert "calibeval report s3://bucket/splits.npz#test --fit-on s3://bucket/splits.npz#val" in done.out


def test_compare(bucket, capsys):
    found = succeeded(capsys, "compare", "s3://bucket/a.npz", "s3://bucket/b.npz", "--json").json
    assert [found["base"]["name"], *(one["name"] for one in found["candidates"])] == ["a.npz", "b.npz"]
    assert found["base"]["source"]["remote"]["size"] > 0
    jsonschema.validate(found, schema("comparison"))


def test_gate_with_a_baseline_of_the_configuration(bucket, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "calibeval.toml").write_text(
        '[gate]\nbaseline = "s3://bucket/a.npz"\n[[gate.rule]]\nmetric = "ece"\nmax_increase = 0.5\n'
    )
    done = run(capsys, "gate", "s3://bucket/b.npz", "--json")
    assert (done.code, done.err) == (0, "note: the baseline s3://bucket/a.npz comes from calibeval.toml\n")
    found = done.json
    assert (found["verdict"], found["baseline"]["source"]["path"]) == ("pass", "s3://bucket/a.npz")
    jsonschema.validate(found, schema("verdict"))
    bucket.put("report.json", calibeval.evaluate("s3://bucket/a.npz").to_json().encode())
    done = run(
        capsys, "gate", "s3://bucket/b.npz", "--baseline", "s3://bucket/report.json", "--max-increase", "ece=0.5"
    )
    assert done.code == 0


def test_a_configuration_is_on_this_machine(bucket, capsys):
    done = run(capsys, "gate", "s3://bucket/a.npz", "--config", "https://host/c.toml?key=secret")
    said = "https://host/c.toml: a configuration must be a file on this machine; what it names may be remote\n"
    assert (done.code, done.err) == (4, said)


def test_gate_writes_a_first_configuration(bucket, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run(capsys, "gate", "s3://bucket/a.npz", "--init").code == 0
    assert 'baseline = "s3://bucket/a.npz"' in (tmp_path / "calibeval.toml").read_text()


def test_fit_and_apply_also_a_remote_map(bucket, capsys, tmp_path):
    assert run(capsys, "fit", "s3://bucket/a.npz", "-o", tmp_path / "map.json").code == 0
    bucket.put("map.json", (tmp_path / "map.json").read_bytes())
    for name, saved in (("local", tmp_path / "map.json"), ("remote", "s3://bucket/map.json")):
        assert run(capsys, "apply", saved, "s3://bucket/b.npz", "-o", tmp_path / f"{name}.npz").code == 0
    one, other = (calibeval.read(tmp_path / f"{name}.npz").scores for name in ("local", "remote"))
    assert np.array_equal(one[0:2000], other[0:2000])


def test_inspect(bucket, capsys):
    found = succeeded(capsys, "inspect", "s3://bucket/splits.npz", "--json").json
    assert (found["path"], found["splits"]) == ("s3://bucket/splits.npz", ["val", "test"])
    assert [one["n"] for one in found["readings"]] == [2000, 2000]


def test_sums(bucket, capsys, tmp_path):
    for name in "ab":
        assert run(capsys, "sums", f"s3://bucket/{name}.npz", "-o", tmp_path / f"{name}.sums").code == 0
        bucket.put(f"sums/{name}.sums", (tmp_path / f"{name}.sums").read_bytes())
    local = succeeded(capsys, "report", tmp_path / "a.sums", tmp_path / "b.sums", "--json").json["dumps"][0]
    for words in (["s3://bucket/sums/*.sums"], ["s3://bucket/sums/a.sums", "s3://bucket/sums/b.sums"]):
        found = succeeded(capsys, "report", *words, "--json").json["dumps"][0]
        assert [one["path"] for one in found["source"]["files"]] == [f"s3://bucket/sums/{name}.sums" for name in "ab"]
        assert found["source"]["sha256"] == local["source"]["sha256"]
        assert found["metrics"] == local["metrics"]
    assert run(capsys, "gate", "s3://bucket/sums/*.sums", "--max", "ece=0.9").code == 0
    assert calibeval.Accumulator.load("s3://bucket/sums/a.sums").report().dumps[0].n == 2000
    assert bool(calibeval.gate("s3://bucket/sums/a.sums", {"metric": "ece", "max": 0.9}))


def test_outputs_stay_on_this_machine(bucket, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = run(capsys, "report", "s3://bucket/a.npz", "-o", "s3://bucket/run")
    assert done.code == 2
    assert "outputs are written on this machine" in done.err
    assert [*tmp_path.iterdir()] == []


def test_what_a_person_hears_of_a_server_without_ranges(capsys, shelf):
    shelf.files["/a.npz"], shelf.ranges = as_npz(dump(5000)), False
    size = len(shelf.files["/a.npz"])
    done = run(capsys, "report", f"{shelf.address}/a.npz")
    said = f"note: a.npz: all {size:,} bytes were copied, once, as the server does not send parts of a file\n"
    assert (done.code, done.err) == (0, said)
    assert run(capsys, "report", f"{shelf.address}/a.npz", "--quiet").err == ""


def test_a_person_hears_of_several_shards_once(capsys, shelf):
    shelf.ranges = False
    for i in range(12):
        shelf.files[f"/d-{i}-of-12.npz"] = as_npz(dump(1500, seed=i))
    size = sum(map(len, shelf.files.values()))
    done = run(capsys, "report", f"{shelf.address}/d-0-of-12.npz")
    said = f"note: 12 files: all {size:,} bytes were copied, once, as the server does not send parts of a file\n"
    assert (done.code, done.err) == (0, said)


@pytest.mark.parametrize("words", [["report", "--full"], ["report", "--json"], ["sums"]])
def test_each_request_for_shards_has_its_reason(capsys, shelf, tmp_path, words):
    for i in range(12):
        shelf.files[f"/d-{i:02d}-of-12.npz"] = as_npz(dump(300, seed=i))
    alone = words == ["sums"]
    more = ["-o", tmp_path / "a.sums"] if alone else []
    assert run(capsys, *words, f"{shelf.address}/d-03-of-12.npz", *more).code == 0
    asked = [one.method for one in shelf.sent if alone or one.path != "/d-00-of-12.npz"]
    # What is it? All of it. Is it still the same?
    count = 1 if alone else 11
    assert sorted(asked) == ["GET"] * count + ["HEAD"] * 2 * count


def test_a_terminal_shows_how_many_shards_are_open(capsys, shelf, monkeypatch):
    monkeypatch.setattr("calibeval.cli.screen.progress.INTERVAL", 0.0)
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    for i in range(3):
        shelf.files[f"/d-{i}-of-3.npz"] = as_npz(dump(300, seed=i))
    done = run(capsys, "report", f"{shelf.address}/d-0-of-3.npz")
    lines = [f"\r\x1b[Kd-0-of-3.npz: {i} of 3 files are open" for i in range(3)]
    assert (done.code, done.err) == (0, "".join(lines) + "\r\x1b[K" * 2)
    assert run(capsys, "report", f"{shelf.address}/d-0-of-3.npz", "--quiet").err == ""


@pytest.mark.parametrize("spare", [0, 1])
def test_what_a_person_hears_of_a_large_text(capsys, shelf, monkeypatch, spare):
    shelf.files["/a.csv"] = b"logit_0,logit_1,label\n" + b"1,2,0\n3,1,1\n2,1,0\n" * 50
    size = len(shelf.files["/a.csv"])
    monkeypatch.setattr(fetched, "LARGE", size + spare)
    done = run(capsys, "report", f"{shelf.address}/a.csv")
    said = f"note: a.csv: all {size:,} bytes were copied, once, as .csv is read from beginning to end; of .npz,"
    assert (said in done.err) is not bool(spare)


def test_what_is_saved_holds_no_signature(bucket, capsys, tmp_path, shelf):
    shelf.files["/a.npz"] = as_npz(dump(500))
    host = shelf.address.removeprefix("http://")
    url = f"http://me:secret@{host}/a.npz?X-Amz-Signature=secret"
    done = run(capsys, "report", url, "-o", tmp_path / "out", "--full")
    assert done.code == 0
    wrong = run(capsys, "report", url, "--labels", url, "--bad", "--json")
    texts = [wrong.out, wrong.err, done.out, done.err, *(path.read_text() for path in (tmp_path / "out").iterdir())]
    assert not any("secret" in text or "Signature" in text for text in texts)
    saved = json.loads((tmp_path / "out" / "report.json").read_text())
    assert saved["dumps"][0]["source"]["path"] == f"{shelf.address}/a.npz"
    assert "remote file" in (tmp_path / "out" / "report.html").read_text()
    assert "read in part, ETag first" in done.out
