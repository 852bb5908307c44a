"""Labels of features in another file, which counts them in its own way."""

from __future__ import annotations

import numpy as np
import pytest

from calibeval.core.errors import InputError
from calibeval.readers.features.features import read_features

RNG = np.random.default_rng(8)
N = 40
FEATURES = RNG.normal(size=(N, 4)).astype(np.float32)
LABELS = RNG.integers(0, 3, N)
NAMES = np.array(["cat", "dog", "eel"])
IDS = np.array([f"row_{i}" for i in range(N)])
ORDER = np.array([2, 0, 1])  # of the classes in the other file
COUNTED = np.argsort(ORDER)[LABELS]


def saved(path, **arrays):
    np.savez(path, **arrays)
    return path


@pytest.mark.parametrize("labels", [COUNTED, np.eye(3, dtype=int)[COUNTED], NAMES[LABELS]])
@pytest.mark.parametrize("named", [True, False])
def test_labels_count_in_the_order_of_classes_of_their_file(named, labels, tmp_path):
    known = {"class_names": NAMES} if named else {}
    path = saved(tmp_path / "f.npz", features=FEATURES, ids=IDS, **known)
    other = saved(tmp_path / "l.npz", labels=labels[::-1], ids=IDS[::-1], class_names=NAMES[ORDER])
    found = read_features(path, labels=other)
    assert found.class_names == tuple(NAMES if named else NAMES[ORDER])
    assert [found.class_names[i] for i in found.labels] == NAMES[LABELS].tolist()


def test_other_classes_are_refused(tmp_path):
    path = saved(tmp_path / "f.npz", features=FEATURES, class_names=NAMES)
    other = saved(tmp_path / "l.npz", labels=LABELS, class_names=np.array(["cat", "dog", "fox"]))
    with pytest.raises(InputError, match=r'^l\.npz: its 3 class names, such as "fox", are not the 3 of f\.npz'):
        read_features(path, labels=other)


def test_a_label_to_ignore_in_the_file_of_labels(tmp_path):
    path = saved(tmp_path / "f.npz", features=FEATURES)
    marked = np.where(np.arange(N) < 5, -1, LABELS)
    found = read_features(path, labels=saved(tmp_path / "l.npz", labels=marked, ignore_index=np.array(-1)))
    assert (found.n, found.ignored) == (N - 5, 5)
    assert [one.code for one in found.warnings] == ["ignored_label"]


def test_ids_that_occur_twice_name_no_option_that_is_not_there(tmp_path):
    path = saved(tmp_path / "f.npz", features=FEATURES, ids=IDS)
    other = saved(tmp_path / "l.npz", labels=np.append(LABELS, LABELS[0]), ids=np.append(IDS, IDS[0]))
    with pytest.raises(InputError, match=r"with the same labels each time\. Keep one of each\.$"):
        read_features(path, labels=other)
