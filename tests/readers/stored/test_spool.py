"""Pieces of an array are kept in memory, or, beyond a limit, in a file without a name."""

from __future__ import annotations

import gc
from pathlib import Path

import numpy as np
import pytest

from calibeval.core.errors import FileProblem, InputError
from calibeval.readers.stored.spool import Spool, SpooledRows

PIECES = [np.arange(6.0).reshape(3, 2), np.arange(6.0, 8.0).reshape(1, 2), np.arange(8.0, 18.0).reshape(5, 2)]
WHOLE = np.concatenate(PIECES)


def descriptors():
    return len([*Path("/proc/self/fd").iterdir()])


@pytest.mark.parametrize("expected", [0, 1, 3, 4, 5, 9, 12])
@pytest.mark.parametrize(("limit", "on_disk"), [(143, True), (144, False), (1, True), (48, True), (1000, False)])
def test_rows_are_those_that_were_added(limit, on_disk, expected):
    spool = Spool(limit, expected)
    for piece in PIECES:
        spool.add(np.asfortranarray(piece))
    source = spool.source()
    assert isinstance(source, SpooledRows) == on_disk
    assert (source.shape, source.dtype) == ((9, 2), np.float64)
    for start in range(10):
        for stop in range(10):
            assert source[start:stop].tolist() == WHOLE[start:stop].tolist()


def test_pieces_that_do_not_fit():
    spool = Spool(10)
    spool.add(PIECES[0])
    for piece in (np.zeros((2, 3)), np.zeros((2, 2), np.float32)):
        with pytest.raises(InputError, match="follows"):
            spool.add(piece)


def test_expected_rows_are_copied_once_and_keep_nothing_else():
    wide = np.arange(12.0).reshape(3, 4)
    spool = Spool(10**6, 4)
    spool.add(wide[:, 1:3])
    source = spool.source()
    assert isinstance(source, np.ndarray)
    assert source.base is not None
    assert source.base.shape == (4, 2)
    assert np.array_equal(source, wide[:, 1:3])
    few = Spool(10**6)
    few.add(wide[:, 1:3])
    source = few.source()
    assert isinstance(source, np.ndarray)
    assert source.base is None


def test_nothing():
    with pytest.raises(InputError, match="there are no rows"):
        Spool(10).source()


def test_a_folder_that_cannot_be_written(monkeypatch, tmp_path):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "missing"))
    with pytest.raises(FileProblem, match=r"cannot write a temporary file .* set TMPDIR to use another folder"):
        Spool(1).add(PIECES[0])


@pytest.mark.parametrize("finished", [True, False])
def test_descriptors_are_closed_with_the_rows(finished):
    gc.collect()  # what earlier tests have left open
    before = descriptors()
    spool = Spool(1)
    spool.add(PIECES[0])
    source = spool.source() if finished else None
    assert descriptors() == before + 1
    del spool, source
    gc.collect()
    assert descriptors() == before
