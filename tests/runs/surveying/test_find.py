"""From patterns and tables to the dumps of a survey."""

import re
from pathlib import Path

import numpy as np
import pytest

from calibeval import FileProblem, InputError, UsageError
from calibeval.readers.meaning.read_options import ReadOptions
from calibeval.runs.surveying.find import found_by, in_blocks
from calibeval.runs.surveying.index import found_in
from calibeval.runs.surveying.planned import planned


def made(folder, *names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"")


def found(folder, *patterns):
    every, beside = found_by([f"{folder}/{one}" for one in patterns], ReadOptions())
    plan = planned(every, beside, " ".join(patterns))
    cells = {tuple(cell.point.values()): Path(cell.found.dump).relative_to(folder).as_posix() for cell in plan.cells}
    return plan, cells


def test_files_are_cells_in_the_order_of_the_axes(tmp_path):
    made(tmp_path, "a_10.npz", "a_9.npz", "b_9.npz", "labels.npy", "notes.txt", ".hidden_1.npz")
    plan, cells = found(tmp_path, "{model}_{epoch}.npz")
    assert list(cells) == [("a", 9), ("a", 10), ("b", 9)]
    assert cells["a", 10] == "a_10.npz"
    assert sorted(Path(name).name for name in plan.beside) == ["labels.npy", "notes.txt"]


def test_folders_are_axes_and_shards_one_cell(tmp_path):
    made(tmp_path, "fog/1/p-0.npz", "fog/1/p-1.npz", "fog/2/p-0.npz", "snow/1/p-0.npz", "snow/2/x.npz", "readme.md")
    plan, cells = found(tmp_path, "{corruption:fog|snow}/{severity}/p-*.npz")
    shards = {(corruption, s): f"{corruption}/{s}/p-*.npz" for corruption, s in (("fog", 1), ("fog", 2), ("snow", 1))}
    assert cells == shards
    assert plan.beside == ()


def test_wildcards_beside_axes_are_as_short_as_can_be(tmp_path):
    made(
        tmp_path, *(f"{m}/samples_{t}_2026-08-2{i}T10.5.jsonl" for i, m in enumerate("ab") for t in ("arc", "arc_easy"))
    )
    _, cells = found(tmp_path, "{model}/samples_{task}_*.jsonl")
    assert cells["a", "arc"] == "a/samples_arc_2026-08-20T10.5.jsonl"
    assert list(cells) == [("a", "arc"), ("a", "arc_easy"), ("b", "arc"), ("b", "arc_easy")]


def test_an_axis_may_stand_in_a_folder_and_in_the_name(tmp_path):
    made(tmp_path, "a/a_1.npz", "a/b_1.npz", "b/b_2.npz")
    _, cells = found(tmp_path, "{m}/{m}_{s}.npz")
    assert list(cells) == [("a", 1), ("b", 2)]


def test_arrays_of_one_file_are_cells(tmp_path):
    scores = np.zeros((4, 2), np.float32)
    arrays = dict.fromkeys(("clean", "fog_1", "snow_1", "fog_2"), scores)
    np.savez(tmp_path / "shift.npz", labels=np.zeros(4, int), order=np.arange(4), **arrays)
    plan, cells = found(tmp_path, "shift.npz#{corruption}_{severity}")
    assert list(cells) == [("fog", 1), ("fog", 2), ("snow", 1)]
    assert [name.rpartition("#")[2] for name in plan.beside] == ["clean"]


def test_splits_are_cells_but_not_their_arrays(tmp_path):
    arrays = {f"{split}_logits": np.zeros((4, 2)) for split in ("val", "test")}
    labels = {f"{split}_labels": np.zeros(4, int) for split in ("val", "test")}
    np.savez(tmp_path / "a.npz", **arrays, **labels)
    assert list(found(tmp_path, "a.npz#{split}")[1]) == [("test",), ("val",)]


@pytest.mark.parametrize(
    ("patterns", "error", "message"),
    [
        (["{m}.npy"], FileProblem, "no file matches; there are 3 other names"),
        (["none/{m}.npz"], FileProblem, "there is no such folder"),
        (["{m}_{s}.npz", "{m}.npz"], UsageError, "all patterns need the same ones"),
        (["a_1.npz"], UsageError, "names no axis"),
        (["{m:a}_1.npz"], UsageError, "values as A|B"),
        (["{m:b|c}_{s}.npz"], UsageError, 'axis m has one value only, "b"'),
        (["{m}_{s}.npz", "{m}_{s}.[n]pz"], UsageError, "wildcards stand in the last name alone"),
        (["*/{m}.npz"], UsageError, "stand in the last name alone"),
        (["{m}*_1.npz"], UsageError, "something must stand between an axis and *"),
        (["{m}_*.npz"], InputError, "are both the cell m=a: each cell is one dump"),
        (["a_01.{s}", "a_1.{s}"], InputError, "are both the cell s=npz"),
        (["s3://b/{m}.npz"], UsageError, "the names of remote files are not listed"),
    ],
)
def test_patterns_that_are_refused(tmp_path, monkeypatch, patterns, error, message):
    made(tmp_path, "a_1.npz", "a_01.npz", "b_1.npz")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(error, match=re.escape(message)):
        planned(*found_by(patterns, ReadOptions()), " ".join(patterns))


def test_equal_numbers_are_one_cell(tmp_path):
    made(tmp_path, "1.npz", "01.npz", "2.npz")
    with pytest.raises(InputError, match=r"01.npz and .*1.npz are both the cell s=1: each cell is one dump"):
        found(tmp_path, "{s}.npz")


def test_blocks_are_an_axis(tmp_path):
    made(tmp_path, "fog.npy", "snow.npy")
    every, beside = found_by([f"{tmp_path}/{{corruption}}.npy"], ReadOptions())
    plan = planned(in_blocks(every, "severity", 2), beside, "")
    assert [tuple(cell.point.values()) for cell in plan.cells] == [("fog", 1), ("fog", 2), ("snow", 1), ("snow", 2)]
    assert plan.cells[1].found.name.endswith("fog.npy, block 2 of 2")
    with pytest.raises(UsageError, match="has the axis corruption already"):
        in_blocks(every, "corruption", 2)


def test_a_table_names_dumps_beside_it(tmp_path):
    (tmp_path / "cells.csv").write_text("model,path,seed\nr20,x/a.npz#test,0\nr50,/abs/b.npz,1\n")
    found = found_in(tmp_path / "cells.csv")
    assert [one.dump for one in found] == [f"{tmp_path}/x/a.npz#test", "/abs/b.npz"]
    assert found[0].texts == {"model": "r20", "seed": "0"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the table is empty; a column of paths is needed"),
        ("model,seed\na,1\n", "has the columns model, seed; a column of paths is needed, called path, file"),
        ("path,m,m\na,1,2\n", "the column m occurs twice"),
        ("path,m\na.npz,\n", "row 2 has 1 filled fields, but the head has 2"),
        ("path,m\n", "the table names no dump"),
    ],
)
def test_a_table_that_cannot_be_read(tmp_path, text, message):
    (tmp_path / "cells.csv").write_text(text)
    with pytest.raises(InputError, match=message):
        found_in(tmp_path / "cells.csv")
