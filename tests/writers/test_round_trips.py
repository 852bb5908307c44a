"""What `apply` writes says what was read, in every format, or the format is refused with one that can hold it."""

from __future__ import annotations

import functools
import os
import re
import threading

import numpy as np
import pytest

import calibeval
from calibeval.core.errors import InputError, UsageError
from calibeval.recalibrate.base.facts import Fitted
from calibeval.recalibrate.temperature.optimum import TemperatureMap
from calibeval.runs.read_back import write_checked
from tests.cli.invoking import run
from tests.writers.random_dumps import arrays

FORMATS = (".npz", ".csv", ".tsv", ".jsonl", ".parquet", ".pt", ".safetensors")
METRICS = "accuracy,ece,nll"


@pytest.fixture(autouse=True)
def _unsynced(monkeypatch):
    monkeypatch.setattr("calibeval.writers.atomic.os.fsync", lambda _: None)


def unchanged(predictions):
    """The predictions as a map with T = 1 leaves them."""
    facts = Fitted(None, None, predictions.n, "nll", 0.0, 0.0)
    return TemperatureMap(predictions.k, None, facts, 1.0)(predictions)


def said(predictions):
    """What `report` says of a dump and of each of its slices."""
    slices = {"slices": list(predictions.columns), "min_rows": 1} if predictions.columns else {}
    dump = calibeval.evaluate(predictions, level=None, metrics=METRICS, **slices).dumps[0]
    return (
        (dump.n, dump.k, dump.ignored, [one.name for one in dump.per_class]),
        [(one.column, one.value, one.n) for one in dump.slices or ()],
        numbers([metric.value for metric in dump.metrics.values()]),
    )


class Near(float):
    """A number that equals all that differ in what float32 cannot hold."""

    __hash__ = None

    def __eq__(self, other):
        return abs(self - other) < 1e-6


def numbers(values):
    """Values of metrics, comparable but for their last digits."""
    return [None if value is None else Near(value) for value in values]


def compared(before, after):
    """How `compare` pairs two dumps, and the differences it sees; or why it does not."""
    try:
        comparison = calibeval.compare(before, after, level=0.95, metrics="accuracy,ece")
    except InputError as error:
        return re.sub(r"\S*\.(npz|csv|tsv|jsonl|parquet|pt|safetensors)", "FILE", str(error))
    differences = comparison.candidates[0].differences
    return numbers([differences[name].difference for name in ("accuracy", "ece")])


def check(before, same, expected, folder, suffix):
    """That the dump comes back as it was, or is refused; returns the format that the refusal names.

    same: the dump as it is written. expected: what is said of it, and how it compares with the dump.
    """
    out = folder / f"after{suffix}"
    out.unlink(missing_ok=True)
    try:
        write_checked(same, out)
    except UsageError as error:
        text = str(error)
        assert len(text) < 500
        assert "\n" not in text
        assert not out.exists()
        assert [one.name for one in folder.iterdir() if one.name.endswith(".tmp")] == []
        named = re.search(r"\. (?:Write (\.\w+) instead|Nor can any other format)\.$", text)
        assert named, text
        return named[1]
    after = calibeval.read(out)
    assert (said(after), compared(before, after)) == expected()
    return None


def check_all(before, folder):
    """The same in every format; a format that is named can hold the dump. Returns the formats that could."""
    same = unchanged(before)
    expected = functools.cache(lambda: (said(before), compared(before, same)))
    named = {suffix: check(before, same, expected, folder, suffix) for suffix in FORMATS}
    for other in {*named.values()} - {None}:
        assert named[other] is None
    return [suffix for suffix in FORMATS if named[suffix] is None]


def dump(folder, **members):
    """Predictions that were read from an .npz file; None where it cannot be read."""
    np.savez(folder / "before.npz", **members)
    try:
        return calibeval.read(folder / "before.npz")
    except InputError:
        return None


@pytest.mark.parametrize("seed", range(6))
def test_a_few_dumps_drawn_at_random(seed, tmp_path):
    drawn(tmp_path, range(seed * 4, seed * 4 + 4))


@pytest.mark.slow
@pytest.mark.parametrize("part", range(10))
def test_three_hundred_dumps_drawn_at_random(part, tmp_path):
    drawn(tmp_path, range(100 + 30 * part, 130 + 30 * part))


def drawn(folder, seeds):
    """Each dump of these seeds in every format; nearly all can be read to begin with."""
    read = 0
    for seed in seeds:
        before = dump(folder, **arrays(np.random.default_rng(seed)))
        if before is not None:
            read += 1
            check_all(before, folder)
    assert read > len(seeds) / 2


TABLES = (".csv", ".tsv", ".parquet")
TEXT = (".csv", ".tsv")


def members(k=3, n=40, seed=0):
    """Logits and labels."""
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % k
    return {"logits": rng.normal(size=(n, k)) + 3.0 * np.eye(k)[labels], "labels": labels}


NAMES = [
    (["True", "False"], ()),
    (["true", "false"], ()),
    (["1.0", "0.0"], ()),
    (["10", "20"], ()),
    (["1", "2", "3"], ()),
    (["1", "-1"], ()),
    (["01", "1"], ()),
    (["a b", "c\nd", 'e"f,g'], ()),
    (["1", "0"], TEXT),
    (["0", "1", "2"], ()),
    ([" a", "b "], TEXT),
    (["", "b"], TEXT),
    (["a", "a", "b"], TEXT),
]


@pytest.mark.parametrize(("names", "refused"), NAMES)
def test_class_names(names, refused, tmp_path):
    given = members(len(names))
    if names[0] in ("1", "01", "1.0"):  # so that labels are positions beyond doubt: see read_labels
        given["labels"] = np.array(names)[given["labels"]]
    before = dump(tmp_path, **given, class_names=np.array(names))
    assert before.labels.tolist() == [i % len(names) for i in range(40)]
    held = check_all(before, tmp_path)
    assert [suffix for suffix in FORMATS if suffix not in held] == [*refused]


def test_names_of_which_some_are_numbers(tmp_path):
    given = members(4)
    names = np.array(["2", "0", "1", "unknown"])
    given["labels"] = names[given["labels"] % 3]
    before = dump(tmp_path, **given, class_names=names)
    assert check_all(before, tmp_path) == [*FORMATS]


@pytest.mark.parametrize("name", ["logit_x", "prob_max"])
def test_columns_that_are_called_like_scores(name, tmp_path):
    before = dump(tmp_path, **members(), class_names=np.array(["a", "b", "c"]), **{name: np.arange(40)})
    held = check_all(before, tmp_path)
    assert held == [".npz", ".pt", ".safetensors"]


@pytest.mark.parametrize("ignored", [1, 255])
@pytest.mark.parametrize("names", [None, ["a", "b", "c"], ["3", "1", "2"], ["3.0", "1.0", "2.0"]])
def test_ignored_rows(names, ignored, tmp_path):
    given = members()
    if names not in (None, ["a", "b", "c"]):
        given["labels"] = np.array([*names, "255"])[given["labels"]]
    given["labels"][::3] = ignored
    more = {} if names is None else {"class_names": np.array(names)}
    before = dump(tmp_path, **given, **more, ignore_index=np.array(ignored))
    assert before.ignored >= 14
    assert [suffix for suffix in FORMATS if suffix not in check_all(before, tmp_path)] in (
        [*TEXT], [*TEXT, ".safetensors"],
    )  # fmt: skip


def test_rows_ignored_by_an_option_are_ignored_by_the_same_option(tmp_path):
    given = members()
    given["labels"][::3] = 255
    np.savez(tmp_path / "before.npz", **given)
    before = calibeval.read(tmp_path / "before.npz", ignore_index=255)
    write_checked(unchanged(before), tmp_path / "after.csv")
    with pytest.raises(InputError, match="label 255, but the scores have 3 classes"):
        calibeval.read(tmp_path / "after.csv")
    assert calibeval.read(tmp_path / "after.csv", ignore_index=255).ignored == 14


IDS = [
    ([f"{i:03}" for i in range(40)], ()),
    ([f"1e{i}" for i in range(40)], ()),
    ([f"a {i}" for i in range(40)], ()),
    ([f" {i}" for i in range(40)], TEXT),
    ([f"{i:02}".encode() for i in range(40)], ()),
    (np.arange(40, dtype="u8") + np.uint64(2**63), ()),
    (np.array("2024-01-01", "M8[D]") + np.arange(40), ()),
]


@pytest.mark.parametrize(("ids", "refused"), IDS)
@pytest.mark.parametrize("key", ["ids", "id", "sample_id"])
def test_ids(ids, refused, key, tmp_path):
    before = dump(tmp_path, **members(), **{key: np.array(ids)})
    held = check_all(before, tmp_path)
    assert {*FORMATS} - {*held} - {".safetensors"} == {*refused}
    for suffix in held:
        assert calibeval.read(tmp_path / f"after{suffix}").keys == {"labels": "labels", "ids": key}


@pytest.mark.parametrize(
    ("values", "refused"),
    [
        (np.array([b"a", b"b\xff"] * 20), [".safetensors"]),
        (np.arange(40, dtype="u8") % 3 + np.uint64(2**63), []),
        (np.where(np.arange(40) % 3, np.datetime64("2024-01-01"), np.datetime64("NaT")), [".safetensors"]),
        (np.array([1 + 2j, 3.0] * 20), [".safetensors"]),
        (np.array([0.5, 2.0] * 20, np.longdouble), []),
        (np.array([np.longdouble(1) / 3] * 40), [*FORMATS[1:]]),
        (np.where(np.arange(40) % 3, np.nan, 1.5), []),
        (np.array([0.1, 1e-3] * 20, "f4"), []),
        (np.array([0.1, 1e-3] * 20, "f2"), []),
        (np.array(["", "a"] * 20), [".safetensors"]),
        (np.array([True, False] * 20), []),
        (np.array([1.0, 2.0] * 20), []),
        (np.array(["007", "012"] * 20), [".csv", ".tsv", ".safetensors"]),
    ],
)
def test_columns_of_every_type(values, refused, tmp_path):
    held = check_all(dump(tmp_path, **members(), site=values), tmp_path)
    assert [suffix for suffix in FORMATS if suffix not in held] == refused


@pytest.mark.parametrize("suffix", FORMATS)
def test_labels_and_ids_keep_their_names(suffix, tmp_path):
    given = members()
    np.savez(tmp_path / "before.npz", logits=given["logits"], Targets=given["labels"], sample_id=np.arange(40))
    write_checked(unchanged(calibeval.read(tmp_path / "before.npz")), tmp_path / f"after{suffix}")
    assert calibeval.read(tmp_path / f"after{suffix}").keys == {"labels": "Targets", "ids": "sample_id"}


@pytest.mark.parametrize("suffix", FORMATS)
def test_names_that_only_an_option_knows_are_kept_beside_usual_ones(suffix, tmp_path):
    given = members()
    np.savez(tmp_path / "before.npz", logits=given["logits"], truth=given["labels"], case=np.arange(40))
    options = {"labels_key": "truth", "ids_key": "case"}
    before = calibeval.read(tmp_path / "before.npz", **options)
    write_checked(unchanged(before), tmp_path / f"after{suffix}")
    for more in ({}, options):
        assert compared(before, calibeval.read(tmp_path / f"after{suffix}", **more)) == [0, 0]


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_column_id_beside_ids_stays(suffix, tmp_path):
    np.savez(tmp_path / "before.npz", **members(), ids=np.arange(40), id=np.arange(40) % 7)
    before = calibeval.read(tmp_path / "before.npz", ids_key="ids")
    write_checked(unchanged(before), tmp_path / f"after{suffix}")
    after = calibeval.read(tmp_path / f"after{suffix}", ids_key="ids")
    assert (after.ids.tolist(), after.columns["id"].tolist()) == (before.ids.tolist(), before.columns["id"].tolist())


def test_labels_from_elsewhere_take_the_place_of_the_files_own(capsys, tmp_path):
    given = members()
    np.savez(tmp_path / "a.npz", logits=given["logits"], labels=np.zeros(40, int))
    np.save(tmp_path / "y.npy", given["labels"])
    run(capsys, "fit", tmp_path / "a.npz", "--labels", tmp_path / "y.npy", "-o", tmp_path / "map.json")
    files = (tmp_path / "map.json", tmp_path / "a.npz", "-o", tmp_path / "b.csv")
    result = run(capsys, "apply", *files, "--labels", tmp_path / "y.npy")
    assert result.code == 0
    told = 'the column "labels" is left out, because the labels come from another file'
    assert f"warning: {told}" in result.err
    assert calibeval.read(tmp_path / "b.csv").labels.tolist() == given["labels"].tolist()
    result = run(capsys, "apply", *files, "--labels", tmp_path / "y.npy", "--json")
    assert {"code": "column_left_out", "message": told} in result.json["warnings"]
    before = calibeval.read(tmp_path / "a.npz", labels=tmp_path / "y.npy")
    with pytest.warns(UserWarning, match=f"c.csv: {told}") as found:
        before.save(tmp_path / "c.csv")
    assert found[0].filename == __file__


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes")
@pytest.mark.parametrize("suffix", FORMATS)
def test_what_goes_into_a_pipe_is_read_back_before(suffix, tmp_path):
    before = dump(tmp_path, **members(), ids=np.arange(40))
    write_checked(before, tmp_path / f"after{suffix}")
    os.mkfifo(tmp_path / f"pipe{suffix}")
    came = []
    reader = threading.Thread(target=lambda: came.append((tmp_path / f"pipe{suffix}").read_bytes()), daemon=True)
    reader.start()
    write_checked(before, tmp_path / f"pipe{suffix}")
    reader.join(20)
    assert came == [(tmp_path / f"after{suffix}").read_bytes()]


def test_a_text_that_is_too_wide_for_npz(tmp_path):
    texts = np.array(["x" * 10**6, *["y"] * 1999], object)
    before = calibeval.Predictions(logits=3 * np.eye(2)[[0] * 2000], labels=[0] * 2000, columns={"note": texts})
    with pytest.raises(
        UsageError, match=r'^a\.npz: \.npz cannot hold this dump: a text in column "note" has 1,000,000 .*\.$'
    ):
        write_checked(before, tmp_path / "a.npz")
    write_checked(before, tmp_path / "a.jsonl")
    assert calibeval.read(tmp_path / "a.jsonl").columns["note"].tolist() == texts.tolist()


@pytest.mark.parametrize("suffix", FORMATS)
def test_confidences_are_written_too(suffix, tmp_path):
    before = calibeval.Predictions(confidence=[0.75, 0.5, 1.0], correct=[1, 0, 1], columns={"hour": [1, 2, 3]})
    before.save(tmp_path / f"a{suffix}")
    assert said(calibeval.read(tmp_path / f"a{suffix}")) == said(before)


@pytest.mark.parametrize("suffix", [".npz", ".jsonl", ".parquet", ".pt", ".safetensors"])
def test_confidences_with_ignored_rows_are_written_too(suffix, tmp_path):
    given = {"confidence": np.array([0.75, 0.5, 1.0]), "correct": np.array([1, 0, 1]), "label": np.array([4, 9, 5])}
    np.savez(tmp_path / "before.npz", **given)
    before = calibeval.read(tmp_path / "before.npz", ignore_index=9)
    write_checked(before, tmp_path / f"a{suffix}")
    after = calibeval.read(tmp_path / f"a{suffix}")
    assert (after.n, after.ignored) == (before.n, before.ignored) == (2, 1)
    assert said(after) == said(before)


@pytest.mark.parametrize("labels", [[0, 1], ["8" * 25, "9" * 25]])
def test_an_ignored_label_has_at_most_64_bits(labels):
    names = labels if isinstance(labels[0], str) else None
    with pytest.raises(UsageError, match=r"ignore_index is 10{30}, but it must be a whole number"):
        calibeval.Predictions(logits=3 * np.eye(2), labels=labels, class_names=names, ignore_index=10**30)


@pytest.mark.parametrize("suffix", [".npz", ".pt", ".safetensors"])
def test_images(suffix, tmp_path):
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, (4, 5, 6))
    labels[0, 0, 0] = 255
    np.savez(
        tmp_path / "a.npz", logits=rng.normal(size=(4, 3, 5, 6)), labels=labels, ignore_label=255, ids=list("wxyz")
    )
    before = calibeval.read(tmp_path / "a.npz")
    if suffix == ".safetensors":
        with pytest.raises(UsageError, match=r'"ids" holds text\. Write \.npz instead'):
            write_checked(before, tmp_path / f"b{suffix}")
        return
    write_checked(before, tmp_path / f"b{suffix}")
    assert said(calibeval.read(tmp_path / f"b{suffix}")) == said(before)
    with pytest.raises(UsageError, match=r"c\.csv: \.csv cannot hold this dump: the scores are dense"):
        write_checked(before, tmp_path / "c.csv")


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_map_is_applied_to_rows_without_labels(suffix, capsys, tmp_path):
    given = members()
    np.savez(tmp_path / "val.npz", **given)
    np.savez(tmp_path / "new.npz", logits=given["logits"], hour=np.arange(40), class_names=np.array(["3", "1", "2"]))
    run(capsys, "fit", tmp_path / "val.npz", "-o", tmp_path / "map.json")
    assert run(capsys, "apply", tmp_path / "map.json", tmp_path / "new.npz", "-o", tmp_path / f"a{suffix}").code == 0
    alone = calibeval.read(tmp_path / f"a{suffix}")
    assert (alone.labelled, alone.n, alone.class_names) == (False, 40, ("3", "1", "2"))
    with pytest.raises(InputError, match="no array has a usual name for labels"):
        calibeval.evaluate(tmp_path / f"a{suffix}")
    after = calibeval.read(tmp_path / f"a{suffix}", labels=tmp_path / "val.npz")
    expected = calibeval.read_map(tmp_path / "map.json")(given["logits"])
    assert after.scores[0:40] == pytest.approx(expected, rel=1e-12)
    assert after.class_names == ("3", "1", "2")
    assert after.columns["hour"].tolist() == [*range(40)]


def test_a_refusal_is_wrong_usage_and_leaves_nothing(capsys, tmp_path):
    np.savez(tmp_path / "a.npz", **members(), ids=[f" {i}" for i in range(40)])
    run(capsys, "fit", tmp_path / "a.npz", "-o", tmp_path / "map.json")
    result = run(capsys, "apply", tmp_path / "map.json", tmp_path / "a.npz", "-o", tmp_path / "b.csv")
    assert result.code == 2
    assert result.err == (
        'b.csv: .csv cannot hold this dump: the id " 0" would come back as "0". Write .npz instead.\n'
    )
    assert sorted(one.name for one in tmp_path.iterdir()) == ["a.npz", "map.json"]


@pytest.mark.parametrize("role", ["site", "ids", "labels", "class_names"])
def test_texts_of_numbers_that_are_no_characters_are_refused_when_they_are_read(role, tmp_path):
    damaged = np.full(3 if role == "class_names" else 40, 0x110000, np.uint32).view("U1")
    np.savez(tmp_path / "a.npz", **{**members(), "class_names": np.array(["a", "b", "c"]), role: damaged})
    with pytest.raises(InputError, match=rf"^a\.npz: {role}: entry 0 holds 0x110000, which is not a character$"):
        calibeval.evaluate(tmp_path / "a.npz", slices=["site"], level=None)


@pytest.mark.parametrize("role", ["site", "ids", "class_names"])
@pytest.mark.parametrize("suffix", FORMATS)
def test_halves_of_surrogate_pairs_are_held_by_no_format(role, suffix, tmp_path):
    odd = ["\ud800", "b", "c"] if role == "class_names" else [f"\ud800{i}" for i in range(40)]
    given = {"columns": {"site": odd}} if role == "site" else {role: odd}
    before = calibeval.Predictions(logits=members()["logits"], labels=[0] * 40, **given)
    with pytest.raises(UsageError, match=r"cannot hold this dump: .*\. No other format can, either\.$"):
        write_checked(unchanged(before), tmp_path / f"after{suffix}")
    assert not [*tmp_path.iterdir()]
