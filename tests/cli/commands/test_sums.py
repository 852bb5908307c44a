"""`calibeval sums`: dumps added up into a file, whose report is that of the dumps."""

import json

import numpy as np
import pytest

import calibeval
from calibeval.core.sums import engine
from tests.cli.invoking import run

RNG = np.random.default_rng(5)


@pytest.fixture
def here(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(engine, "CHUNK_ROWS", 128)
    return tmp_path


def saved(name, n=700, k=3, **more):
    z = 2.0 * RNG.normal(size=(n, k))
    y = (z + RNG.gumbel(size=(n, k))).argmax(axis=1)
    np.savez(name, **({"logits": z, "labels": y} | more))
    return z, y


def dump_of(capsys, *words):
    done = run(capsys, "report", *words, "--json")
    assert done.code == 0, done.err
    return json.loads(done.out)["dumps"][0]


SORTS = {
    "plain": ({}, []),
    "weights": ({"w": RNG.random(700) * 3.0}, ["--key", "weights=w"]),
    "equal weights": ({"w": np.full(700, 3.0)}, ["--key", "weights=w"]),
    "groups": ({"video": np.arange(700) // 9}, ["--group", "video"]),
    "texts": ({"video": np.array([f"v{i // 9}" for i in range(700)])}, ["--group", "video"]),
    "ignored": ({"labels": np.where(np.arange(700) % 7 == 0, -1, np.arange(700) % 3)}, ["--ignore-index", "-1"]),
    "images": (
        {"logits": RNG.normal(size=(40, 3, 4, 5)), "labels": RNG.integers(0, 3, (40, 4, 5))},
        [],
    ),
    "two": ({"logits": RNG.normal(size=(700, 2)), "labels": np.arange(700) % 2}, ["--positive", "0"]),
    "top": ({"logits": None, "labels": None, "confidence": RNG.random(700), "correct": np.arange(700) % 2}, []),
    "class": ({}, ["--class", "2"]),
}


@pytest.mark.parametrize("sort", SORTS)
def test_exact_sums_give_the_report_of_the_dump(capsys, here, sort):
    arrays, words = SORTS[sort]
    z = 2.0 * RNG.normal(size=(700, 3))
    whole = {"logits": z, "labels": (z + RNG.gumbel(size=(700, 3))).argmax(axis=1)} | arrays
    np.savez("a.npz", **{name: one for name, one in whole.items() if one is not None})
    done = run(capsys, "sums", "a.npz", *words, "--exact", "-o", "a.sums")
    assert done.code == 0, done.err
    found, wanted = dump_of(capsys, "a.sums"), dump_of(capsys, "a.npz", *words)
    own = ("name", "source", "curve", "positive", "class_views")  # pages have curves, which --json leaves out
    for one in wanted["per_class"] if wanted.pop("per_image", None) else ():  # sums hold no images
        del one["dice"], one["iou"]
    for field in wanted:
        if field not in own:
            assert found[field] == wanted[field], field


def test_what_it_wrote_is_said(capsys, here):
    saved("a.npz")
    done = run(capsys, "sums", "a.npz", "-o", "a.sums")
    size = (here / "a.sums").stat().st_size
    assert done.out == f"a.sums: sums of 700 rows, 3 classes, logits, {size:,} bytes\n"
    told = json.loads(run(capsys, "sums", "a.npz", "-o", "a.sums", "--json").out)
    assert (told["schema"], told["written"], told["rows"], told["kind"]) == (
        "calibeval.dump/1",
        "a.sums",
        700,
        "logits",
    )
    assert not [name for name in np.load("a.sums").files if name.startswith(("keys", "sample"))]


def test_several_dumps_in_one_file_are_the_files_of_several(capsys, here):
    parts = [saved(f"{i}.npz", 300) for i in range(3)]
    for i in range(3):
        assert run(capsys, "sums", f"{i}.npz", "-o", f"{i}.sums", "--exact").code == 0
    assert run(capsys, "sums", "0.npz", "1.npz", "2.npz", "-o", "all.sums", "--exact").code == 0
    z, y = (np.concatenate(both) for both in zip(*parts, strict=True))
    whole = calibeval.evaluate(logits=z, labels=y)
    for words in (["all.sums"], ["[0-2].sums"]):
        found = dump_of(capsys, *words)
        for name in ("accuracy", "ece", "aece", "cwce", "nll", "brier", "temperature"):
            assert found["metrics"][name]["value"] == pytest.approx(whole[name].value, abs=1e-12)
            assert found["metrics"][name]["low"] == pytest.approx(whole[name].low, abs=1e-9)


def test_without_exact_memory_does_not_grow_and_numbers_are_the_same(capsys, here):
    z, y = saved("a.npz")
    assert run(capsys, "sums", "a.npz", "-o", "a.sums").code == 0
    found, whole = dump_of(capsys, "a.sums"), calibeval.evaluate(logits=z, labels=y)
    for name in ("accuracy", "ece", "nll", "brier", "cwce"):
        assert found["metrics"][name]["value"] == whole[name].value
    assert found["metrics"]["aece"]["reason"]["code"] == "from_sums"


@pytest.mark.parametrize(
    ("second", "message"),
    [
        ({"k": 4}, "a.npz and b.npz: these sums cannot be added up: k is 3 in the first, but 4 in the other"),
        ({"class_names": ["x", "y", "z"]}, "the name of class 1 is b in the first, but y in the other"),
        ({"logits": None, "probs": np.full((700, 3), 1 / 3)}, "kind is logits in the first, but probs in the other"),
    ],
)
def test_other_classes_and_kinds_are_refused(capsys, here, second, message):
    saved("a.npz", class_names=["x", "b", "z"])
    whole = {"logits": RNG.normal(size=(700, second.get("k", 3))), "labels": np.arange(700) % 3} | second
    np.savez("b.npz", **{name: one for name, one in whole.items() if one is not None and name != "k"})
    done = run(capsys, "sums", "a.npz", "b.npz", "-o", "c.sums")
    assert done.code == 2
    assert message in done.err
    assert not (here / "c.sums").exists()


def test_wrong_rows_are_named_and_nothing_is_written(capsys, here):
    z = RNG.normal(size=(700, 3))
    z[555, 1] = np.nan
    np.savez("a.npz", logits=z, labels=np.arange(700) % 3)
    done = run(capsys, "sums", "a.npz", "-o", "a.sums")
    assert done.code == 3
    assert "row 555" in done.err
    assert not (here / "a.sums").exists()


def test_a_file_of_another_suffix_and_an_input_are_refused(capsys, here):
    saved("a.npz")
    done = run(capsys, "sums", "a.npz", "-o", "a.npz")
    assert (done.code, done.err) == (2, "a.npz: sums are written to a file whose name ends in .sums\n")


def test_python_reads_the_same(capsys, here):
    z, y = saved("a.npz")
    assert run(capsys, "sums", "a.npz", "-o", "a.sums", "--exact").code == 0
    read = calibeval.Accumulator.read("a.npz", exact=True)
    read.save("b.sums", exact=True)
    assert (here / "a.sums").read_bytes() == (here / "b.sums").read_bytes()
    assert read.report()["ece"] == calibeval.evaluate(logits=z, labels=y)["ece"]


def test_small_cells_are_joined_and_the_report_says_so(capsys, here):
    saved("a.npz")
    done = run(capsys, "sums", "a.npz", "-o", "a.sums", "--min-cell", "60")
    assert (done.code, ", none of fewer than 60 rows, " in done.out) == (0, True)
    count = np.load("a.sums")["cells.count"]
    assert count.min() >= 60
    (told,) = [one for one in dump_of(capsys, "a.sums")["warnings"] if one["code"] == "small_cells_joined"]
    assert told["message"].startswith("bins of fewer than 60 rows were joined to their neighbours: the ECE is within ")
    assert " points of its value in all bins, the CWCE within " in told["message"]


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["--min-cell", "10", "--exact"], 2, "--min-cell"),
        (["--min-cell", "1"], 2, "1 is not in the range"),
        (["--min-cell", "701"], 3, "there are 700 rows, but no sum may be of fewer than 701"),
        (["--min-cell", "10", "--group", "video"], 2, "rows with groups cannot be joined to cells of 10"),
    ],
)
def test_what_min_cell_refuses(capsys, here, words, code, message):
    saved("a.npz", video=np.arange(700) // 9)
    done = run(capsys, "sums", "a.npz", "-o", "a.sums", *words)
    assert (done.code, message in done.err) == (code, True), done.err
    assert not (here / "a.sums").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--bins", "10"], "bins is 15 in the first, but 10 in the other"),
        (["--metrics", "ece,nll"], "metrics is None in the first, but ('ece', 'nll') in the other"),
        (["--class", "1"], "classes is None in the first, but ('1',) in the other"),
        (["--group", "video"], "the other has groups, the first has none"),
        (["--key", "weights=w"], "the other has weights, the first has none"),
        (["--ignore-index", "-1"], "ignore_index is None in the first, but -1 in the other"),
    ],
)
def test_files_of_other_settings_are_refused_with_what_differs(capsys, here, words, message):
    saved("a.npz", video=np.arange(700) // 9, w=1.0 + np.arange(700))
    assert run(capsys, "sums", "a.npz", "-o", "a.sums").code == 0
    assert run(capsys, "sums", "a.npz", *words, "-o", "b.sums").code == 0
    done = run(capsys, "report", "a.sums", "b.sums")
    assert (done.code, done.err.startswith("a.sums and b.sums: these")) == (2, True)
    assert message in done.err


@pytest.fixture
def shards(here):
    for i in range(4):
        saved(f"d-{i}-of-4.npz", n=100 + i)


@pytest.mark.parametrize(
    ("words", "rows", "said"),
    [
        (["d-2-of-4.npz"], 102, "of 1 of 4 shards"),
        (["d-0-of-4.npz", "d-3-of-4.npz"], 203, "of 2 of 4 shards"),
        ([f"d-{i}-of-4.npz" for i in range(4)], 406, "of 4 shards"),
        (["d-*-of-4.npz"], 406, "of 4 shards"),
    ],
)
def test_a_numbered_name_is_that_shard_alone(capsys, shards, words, rows, said):
    done = run(capsys, "sums", *words, "-o", "a.sums")
    assert (done.code, done.err) == (0, "")
    assert f": sums of {rows} rows, 3 classes, logits, {said}, " in done.out
    assert calibeval.Accumulator.load("a.sums").n == rows


def test_labels_and_bases_of_one_shard_are_their_shard(capsys, shards):
    for i in range(4):
        arrays = np.load(f"d-{i}-of-4.npz")
        np.savez(f"y-{i}-of-4.npz", labels=arrays["labels"])
        np.savez(f"x-{i}-of-4.npz", logits=arrays["logits"])
        np.savez(f"b-{i}-of-4.npz", logits=arrays["logits"] / 2.0, labels=arrays["labels"])
    assert run(capsys, "sums", "x-1-of-4.npz", "--labels", "y-1-of-4.npz", "-o", "x.sums").code == 0
    assert run(capsys, "sums", "d-1-of-4.npz", "--base", "b-1-of-4.npz", "-o", "d.sums").code == 0
    assert dump_of(capsys, "x.sums")["metrics"] == dump_of(capsys, "d.sums")["metrics"]
    assert dump_of(capsys, "d.sums")["source"]["n"] == 101


def test_sums_of_single_shards_are_those_of_all(capsys, shards):
    for i in range(4):
        assert run(capsys, "sums", f"d-{i}-of-4.npz", "-o", f"{i}.sums").code == 0
    assert run(capsys, "sums", "d-*-of-4.npz", "-o", "all.sums").code == 0
    parts, whole = dump_of(capsys, "[0-3].sums"), dump_of(capsys, "all.sums")
    assert parts["source"]["n"] == whole["source"]["n"] == 406
    for name, metric in whole["metrics"].items():
        assert parts["metrics"][name]["value"] == pytest.approx(metric["value"], rel=1e-12)


def test_reports_and_inspections_say_how_many_shards_there_are(capsys, shards):
    assert run(capsys, "report", "d-1-of-4.npz").out.startswith("d-1-of-4.npz · 4 shards · 406 rows · 3 classes")
    assert run(capsys, "inspect", "d-1-of-4.npz").out.startswith("d-1-of-4.npz · 4 shards · npz · ")
    assert dump_of(capsys, "d-1-of-4.npz")["source"]["shards"] == 4
    assert json.loads(run(capsys, "inspect", "d-1-of-4.npz", "--json").out)["shards"] == 4
    saved("one.npz")
    assert run(capsys, "report", "one.npz").out.startswith("one.npz · 700 rows")
    assert "shards" not in dump_of(capsys, "one.npz")["source"]
    assert "shards" not in json.loads(run(capsys, "inspect", "one.npz", "--json").out)
