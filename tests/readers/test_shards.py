"""Dumps in several files: which files they are, in which order, and what must be the same in all of them."""

from __future__ import annotations

import hashlib
import re

import numpy as np
import pytest

from calibeval import evaluate
from calibeval.core.errors import FileProblem, InputError
from calibeval.readers.describe import inspect_dump
from calibeval.readers.meaning.read_options import ReadOptions
from calibeval.readers.open import open_dump, read
from calibeval.readers.shards import natural
from calibeval.readers.stored.joined import JoinedRows
from calibeval.readers.stored.limits import Limits
from tests.readers.dumps import LABELS, LOGITS, refused


def shard(folder, name, part, **more):
    folder.mkdir(exist_ok=True)
    np.savez(folder / name, logits=LOGITS[part], labels=LABELS[part], **more)
    return folder / name


def shards(folder, count, name="a-{}.npz", first=0, **more):
    """The dump cut into so many files of unequal length."""
    edges = np.linspace(0, 20, count + 1).astype(int)
    for i in range(count):
        shard(folder, name.format(i + first), slice(edges[i], edges[i + 1]), **more)
    return folder


@pytest.mark.parametrize("count", [1, 3, 12])
@pytest.mark.parametrize("what", ["{}", "{}/*.npz", "{}/a-*.npz"])
def test_folders_and_patterns(what, count, tmp_path):
    predictions = read(what.format(shards(tmp_path / "d", count)))
    assert predictions.scores[0:20].tolist() == LOGITS.tolist()
    assert predictions.labels.tolist() == LABELS.tolist()
    assert predictions.source.format == "npz"


@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize("what", ["{}", "{}/p-*", "{}/p-0000{first}-of-00004.npz", "{}/p-00003-of-00004.npz"])
def test_numbered_shards(what, first, tmp_path):
    folder = shards(tmp_path / "d", 4, "p-{:05d}-of-00004.npz", first)
    assert read(what.format(folder, first=first)).scores[0:20].tolist() == LOGITS.tolist()


def test_one_numbered_name_means_its_own_dump(tmp_path):
    folder = shards(tmp_path / "d", 2, "test-{}-of-2.npz")
    shards(folder, 1, "train-{}-of-1.npz")
    assert read(folder / "test-1-of-2.npz").n == 20
    refused(folder, f"{folder}: these are shards of 2 dumps: test-*.npz, train-*.npz. Name one of these patterns.")


def test_natural_order():
    assert sorted(["b1", "a10", "a9x", "a9", "a"], key=natural) == ["a", "a9", "a9x", "a10", "b1"]


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["p-0-of-3.npz", "p-2-of-3.npz"], "2 of 3 shards are there; number 1 is missing"),
        (["p-1-of-3.npz", "p-2-of-3.npz"], "2 of 3 shards are there; number 3 is missing"),
        (["p-1-of-2.npz", "p-01-of-2.npz"], "there are two files for shard 1 of 2: p-01-of-2.npz, p-1-of-2.npz"),
        (
            ["p-0-of-2.npz", "p-1-of-2.npz", "p-2-of-2.npz"],
            "shard 2 is unexpected: the names say -of-2, and the numbers begin at 0",
        ),
        (["p-0-of-1.npz", "p-1-of-2.npz"], "some names say -of-1, others -of-2: these are shards of several dumps"),
        (["p-0-of-1.npz", "q.npz"], "p-0-of-1.npz is numbered -of-1, but q.npz is not"),
        (["p.npz", "README.md"], "README.md: not a shard of a dump. Name the shards with a pattern, such as *.npz."),
        (
            ["p.csv", "p.npz"],
            (
                "the files have 2 formats (.csv, .npz), but all shards of a dump have one. "
                "Name them with a pattern, such as *.csv."
            ),
        ),
    ],
)
def test_sets_that_are_no_dump(names, message, tmp_path):
    for name in names:
        (tmp_path / name).touch()
    refused(tmp_path, f"{tmp_path}: {message}")


def test_folders_inside_and_hidden_files(tmp_path):
    folder = shards(tmp_path / "d", 2)
    for name in (".ds", "_SUCCESS"):
        (folder / name).touch()
    assert read(folder).n == 20
    (folder / "more").mkdir()
    refused(folder, f"{folder}: holds the folder more, but shards are files: name them with a pattern")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("empty", "{}/empty: the folder holds no files"),
        ("x-*.npz", "{}/x-*.npz: no file matches this pattern"),
        ("x-0-of-2.npz", "{}/x-0-of-2.npz: there is no such file"),
        ("nowhere/x-0-of-2.npz", "{}/nowhere/x-0-of-2.npz: there is no such file"),
    ],
)
def test_names_without_files(name, message, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileProblem) as error:
        read(tmp_path / name)
    assert str(error.value) == message.format(tmp_path)


def test_a_file_whose_name_looks_like_a_pattern(tmp_path):
    assert read(shard(tmp_path, "a[1].npz", slice(0, 5))).n == 5


SAME = "shards must hold the same arrays. If some files are none, name the shards with a pattern"


@pytest.mark.parametrize(
    ("second", "message"),
    [
        ({"logits": LOGITS}, f'b.npz: has no "labels", but a.npz has: {SAME}'),
        (
            {"logits": LOGITS, "labels": LABELS, "id": LABELS},
            f'a.npz: has no "id", but b.npz has: {SAME}',
        ),
        (
            {"logits": LOGITS[:, :2], "labels": LABELS},
            'b.npz: "logits" is (20, 2) float32, but in a.npz it is (20, 3) float32',
        ),
        (
            {"logits": LOGITS.astype(float), "labels": LABELS},
            'b.npz: "logits" is (20, 3) float64, but in a.npz it is (20, 3) float32',
        ),
        (
            {"logits": LOGITS, "labels": LABELS.astype(str)},
            'b.npz: "labels" is (20) <U21, but in a.npz it is (20) int64',
        ),
    ],
)
def test_shards_that_differ(second, message, tmp_path):
    np.savez(tmp_path / "a.npz", logits=LOGITS, labels=LABELS)
    np.savez(tmp_path / "b.npz", **second)
    refused(tmp_path, message)


def test_what_is_the_same_in_all_shards(tmp_path):
    names = np.array(["a", "b", "c"])
    folder = shards(tmp_path / "d", 3, class_names=names, ignore_label=np.array(2))
    predictions = read(folder)
    assert (predictions.class_names, predictions.ignored) == (("a", "b", "c"), (LABELS == 2).sum())
    shard(folder, "a-1.npz", slice(0, 3), class_names=names[::-1], ignore_label=np.array(2))
    found = "a-1.npz: \"class_names\" is ['c', 'b', 'a'], but in a-0.npz it is ['a', 'b', 'c']"
    message = f"{found}; it must be the same in all shards"
    refused(folder, message)


def test_splits_of_shards(tmp_path):
    for i, part in enumerate((slice(0, 7), slice(7, 20))):
        np.savez(
            tmp_path / f"{i}.npz",
            val_logits=LOGITS[part],
            val_labels=LABELS[part],
            test_logits=LOGITS[:2],
            test_labels=LABELS[:2],
        )
    assert read(f"{tmp_path}#val").scores[0:20].tolist() == LOGITS.tolist()
    assert read(f"{tmp_path}/*.npz#test").n == 4
    for i in range(2):
        np.savez(tmp_path / f"{i}.npz", logits=LOGITS, labels=LABELS, val_index=np.arange(5))
    refused(
        f"{tmp_path}#val",
        '0.npz: "val_index" holds row numbers, which could count in the shard or in the whole dump. '
        "Save splits as val_logits, val_labels, ...",
    )


def test_texts_of_different_width_and_mixed_whole_numbers(tmp_path):
    shard(tmp_path, "0.npz", slice(0, 2), site=np.array(["a", "b"]), hour=np.array([1, 2], "i4"))
    shard(tmp_path, "1.npz", slice(2, 4), site=np.array(["ccc", "d"]), hour=np.array([1.5, 2]))
    columns = read(tmp_path).columns
    assert columns["site"].tolist() == ["a", "b", "ccc", "d"]
    assert columns["hour"].tolist() == [1, 2, 1.5, 2]


def test_shards_beyond_memory_are_chained(tmp_path):
    folder = shards(tmp_path / "d", 7)
    predictions = open_dump(str(folder), ReadOptions(limits=Limits(max_memory=100)))
    assert isinstance(predictions.scores, JoinedRows)
    for start in range(20):
        for stop in range(start, 21):
            assert predictions.scores[start:stop].tolist() == LOGITS[start:stop].tolist()
    assert (predictions.scores.shape, predictions.scores.dtype) == ((20, 3), np.float32)
    assert evaluate(predictions).dumps[0].metrics == evaluate(read(folder)).dumps[0].metrics


def test_the_hash_of_shards(tmp_path):
    folder = shards(tmp_path / "d", 11)
    digest = hashlib.sha256()
    for i in range(11):
        name = f"a-{i}.npz"
        digest.update(f"{name}\0{hashlib.sha256((folder / name).read_bytes()).hexdigest()}\n".encode())
    assert read(folder).settled_source().sha256 == digest.hexdigest()
    assert read(folder / "*.npz").settled_source().sha256 == digest.hexdigest()


def test_a_damaged_shard_is_found(tmp_path):
    folder = shards(tmp_path / "d", 3)
    raw = bytearray((folder / "a-1.npz").read_bytes())
    raw[raw.find(LOGITS[8].tobytes())] ^= 1
    (folder / "a-1.npz").write_bytes(raw)
    with pytest.raises(InputError, match=r"^a-1\.npz: logits.* damaged "):
        read(folder).settled_source()


def test_inspection_of_shards(tmp_path):
    folder = shards(tmp_path / "d", 3)
    found = inspect_dump(str(folder), ReadOptions())
    assert (found.format, found.size) == ("npz", sum(one.stat().st_size for one in folder.iterdir()))
    assert (found.readings[0].n, found.readings[0].name) == (20, str(folder))


def test_it_is_said_which_columns_are_the_scores_of_shards(tmp_path):
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_text("prob_0,prob_1,prob_2,label\n0.2,0.3,0.5,0\n0.25,0.5,0.25,1\n")
    found = read(tmp_path / "*.csv").recognised
    assert found[0] == "probs from columns prob_0 to prob_2"
    assert found == read(tmp_path / "a.csv").recognised


def test_labels_in_shards(tmp_path):
    folder = tmp_path / "d"
    folder.mkdir()
    for i, part in enumerate((slice(0, 7), slice(7, 20))):
        np.save(folder / f"{i}.npy", LABELS[part])
    np.save(tmp_path / "x.npy", LOGITS)
    assert read(tmp_path / "x.npy", labels=folder, kind="logits").labels.tolist() == LABELS.tolist()


@pytest.mark.parametrize("folder", ["h#1", "g[1]", "a*b", "q?[!x]#2", "g[1]/h#[2]"])
@pytest.mark.parametrize("rest", ["", "/*.npz", "/a-[0-2].npz", "/a-0-of-3.npz"])
def test_folders_whose_names_look_like_more(folder, rest, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / folder).parent.mkdir(exist_ok=True)
    shards(tmp_path / folder, 3, "a-{}-of-3.npz" if "of" in rest else "a-{}.npz")
    for name in (f"{folder}{rest}", f"{tmp_path}/{folder}{rest}"):
        if rest:
            assert read(name).n == 20
    missing = f"{folder}/no-*.npz"
    with pytest.raises(FileProblem, match=re.escape(f"{missing}: no file matches this pattern")):
        read(missing)


@pytest.mark.parametrize("name", ["h#1/*.npz", "g[1]/*.npz", "h#1/x.npz", "h#1/a-1-of-2.npz"])
def test_the_message_names_the_whole_path(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileProblem, match=f"^{re.escape(name)}: "):
        read(name)
    if name == "g[1]/*.npz":  # still a pattern, where no folder is called so
        shards(tmp_path / "g1", 3)
        assert read(name).n == 20


def test_ids_with_leading_zeros_in_some_shards(tmp_path):
    for name, ids in (("a", ["007", "008"]), ("b", ["100", "101"])):
        rows = "".join(f"{one},0.75,0.25,0\n" for one in ids)
        (tmp_path / f"{name}.csv").write_text(f"id,prob_0,prob_1,label\n{rows}")
    assert read(tmp_path).ids.tolist() == ["007", "008", "100", "101"]
