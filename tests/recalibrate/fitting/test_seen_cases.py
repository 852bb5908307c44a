"""A map of a folder of cases knows each of them again: in a part of the folder, beside others, and in copies."""

import hashlib
import shutil

import numpy as np
import pytest

import calibeval
from calibeval.core.dense.case import ChosenCases
from calibeval.core.errors import InputError
from calibeval.readers.cases.folder import Folder
from calibeval.readers.meaning.read_options import ReadOptions
from tests.readers.cases.folders import image, npz


@pytest.fixture
def place(tmp_path):
    scores, labels = npz(tmp_path, {f"c{i}": image(i, (6, 7)) for i in range(6)})
    part = tmp_path / "part"
    part.mkdir()
    shutil.copy(scores / "c1.npz", part / "again.npz")
    shutil.copy(labels / "c1.npz", labels / "again.npz")
    shutil.copy(scores / "c2.npz", part / "c2.npz")
    np.savez(part / "c5.npz", probs=image(77, (6, 7))[0])
    return scores, labels, part


def test_a_map_is_refused_on_some_of_its_cases(place, tmp_path):
    scores, labels, part = place
    found = calibeval.fit(scores, labels=labels)
    found.save(tmp_path / "m.json")
    saved = calibeval.read_map(tmp_path / "m.json")
    assert saved == found
    for known in (found, saved):
        with pytest.raises(InputError, match=r"fitted on 2 of these 3 cases \(again, c2\)"):
            calibeval.evaluate(part, labels=labels, map=known)
    told = calibeval.evaluate(part, labels=labels, map=found, allow_leak=True).dumps[0]
    assert "leak" in [one.code for one in told.warnings]
    (part / "c2.npz").unlink()
    (part / "again.npz").unlink()
    assert calibeval.evaluate(part, labels=labels, map=found).dumps[0].recalibrated is not None


def test_a_copy_under_another_name_is_known_where_maps_are_fitted_on_a_folder(place):
    scores, labels, part = place
    (part / "c2.npz").unlink()
    (part / "c5.npz").unlink()
    with pytest.raises(InputError, match=r"1 case is among those that the map is fitted on \(again\)"):
        calibeval.evaluate(part, labels=labels, fit_on=scores)
    chosen = ChosenCases(Folder(scores, labels, ReadOptions()), ["c4", "c1"])
    assert chosen.source(()).cases == tuple(
        hashlib.sha256((scores / f"{name}.npz").read_bytes()).hexdigest()[:16] for name in ("c4", "c1")
    )
