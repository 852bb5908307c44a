"""Options of reading on folders of cases: obeyed everywhere, or refused."""

import numpy as np
import pytest

import calibeval
from calibeval.core.errors import UsageError
from tests.cli.invoking import run
from tests.readers.cases.folders import image, npz

UNUSED = [
    ("--labels-are", "names"),
    ("--score-columns", "a,b"),
    ("--drop-duplicates",),
    ("--decimal", ","),
    ("--read-as", ".npz"),
    ("--no-crc",),
    ("--key", "weights=w"),
    ("--ids-key", "scan"),
    ("--missing-confidence", "drop"),
]


@pytest.fixture
def place(tmp_path):
    return npz(tmp_path, {f"c{i}": image(i, (6, 7)) for i in range(4)})


@pytest.mark.parametrize("option", UNUSED, ids=[one[0] for one in UNUSED])
def test_what_would_have_no_effect_is_refused(capsys, place, option):
    scores, labels = place
    result = run(capsys, "report", scores, "--labels", labels, *option)
    assert result.code == 2
    assert "has no effect on a folder of cases; leave it out" in result.err


def test_python_speaks_of_its_own_options(place):
    scores, labels = place
    with pytest.raises(UsageError, match="drop_duplicates=True has no effect on a folder of cases"):
        calibeval.evaluate(scores, labels=labels, drop_duplicates=True)


def test_divided_probabilities_are_fitted_reported_and_applied(capsys, place, tmp_path):
    scores, labels = place
    plain = calibeval.fit(scores, labels=labels)
    (tmp_path / "counts").mkdir()
    for one in scores.iterdir():
        np.savez(tmp_path / "counts" / one.name, probs=np.load(one)["probs"] * 200.0)
    counts = tmp_path / "counts"
    found = calibeval.fit(counts, labels=labels, renormalize=True)
    assert found.temperature == pytest.approx(plain.temperature)
    line = ("--labels", labels, "--cross-fit", "2", "--seed", "3", "--json")
    ours, theirs = (
        run(capsys, "report", *one, *line).json["dumps"][0]["recalibrated"]["metrics"]["nll"]["value"]
        for one in ((counts, "--renormalize"), (scores,))
    )
    assert ours == pytest.approx(theirs)
    found.apply_to_folder(counts, tmp_path / "out", renormalize=True)
    plain.apply_to_folder(scores, tmp_path / "plain")
    with np.load(tmp_path / "out" / "c0.npz") as one, np.load(tmp_path / "plain" / "c0.npz") as other:
        np.testing.assert_allclose(one["probs"], other["probs"], rtol=1e-6)
