"""`apply` to folders of cases: nothing is overwritten, nothing stays after an error, and no number is lost."""

import nibabel
import numpy as np
import pytest

import calibeval
from calibeval.core.errors import InputError, UsageError
from calibeval.recalibrate.base.facts import Fitted
from calibeval.recalibrate.temperature.optimum import TemperatureMap
from calibeval.writers import temporary
from calibeval.writers.atomic import filling
from tests.cli.invoking import run
from tests.readers.cases.folders import image, npz

FITTED = Fitted(None, None, 100, "nll", 0.5, 0.4)


def hidden(place):
    return [one.name for one in place.iterdir() if one.name.startswith(".")]


@pytest.fixture
def place(tmp_path):
    scores, labels = npz(tmp_path, {f"c{i}": image(i, (6, 7)) for i in range(4)})
    calibeval.fit(scores, labels=labels).save(tmp_path / "m.json")
    return tmp_path, scores, labels


def test_a_folder_that_holds_files_is_never_written_to(place):
    folder, scores, labels = place
    before = {one.name: one.read_bytes() for one in labels.iterdir()}
    found = calibeval.read_map(folder / "m.json")
    with pytest.raises(UsageError, match="marks: holds files, which could be overwritten; name a new folder"):
        found.apply_to_folder(scores, labels)
    assert {one.name: one.read_bytes() for one in labels.iterdir()} == before


def test_after_an_error_there_is_no_folder_and_the_next_try_succeeds(capsys, place):
    folder, scores, _ = place
    good = (scores / "c3.npz").read_bytes()
    np.savez(scores / "c3.npz", probs=image(3, (6, 7), 4)[0])
    line = ("apply", folder / "m.json", scores, "-o", folder / "out")
    result = run(capsys, *line)
    assert result.code == 3
    assert "c3.npz: 4 channels, but the map is for 3 classes" in result.err
    assert not (folder / "out").exists()
    assert hidden(folder) == []
    (folder / "out").mkdir()  # empty
    assert run(capsys, *line).code == 3
    assert list((folder / "out").iterdir()) == []
    (scores / "c3.npz").write_bytes(good)
    assert run(capsys, *line).code == 0
    assert sorted(one.name for one in (folder / "out").iterdir()) == ["c0.npz", "c1.npz", "c2.npz", "c3.npz"]
    assert hidden(folder) == []


def test_standard_output_is_no_folder(capsys, place):
    folder, scores, _ = place
    result = run(capsys, "apply", folder / "m.json", scores, "-o", "-")
    assert result.code == 2
    assert "cases are written to a folder, not to standard output" in result.err


def test_whoever_ends_the_process_removes_what_is_half_written(tmp_path):
    def ended():
        with filling(tmp_path / "out") as half:
            (half / "a").mkdir()
            (half / "a" / "b").write_bytes(b"1")
            assert str(half) in temporary.PENDING
            temporary.remove_pending()  # what a signal does
            assert not half.exists()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ended()
    assert list(tmp_path.iterdir()) == []
    assert not temporary.PENDING


def test_cases_that_the_map_was_fitted_on_are_said(capsys, place):
    folder, scores, _ = place
    np.savez(scores / "c1.npz", probs=image(99, (6, 7))[0])
    result = run(capsys, "apply", folder / "m.json", scores, "-o", folder / "out")
    assert result.code == 0
    assert "the map was fitted on 3 of these 4 cases (c0, c2, c3), so the results are too optimistic" in result.err


def test_numbers_beyond_the_type_of_the_file_are_refused(tmp_path):
    (tmp_path / "p").mkdir()
    np.savez(tmp_path / "p" / "a.npz", logits=np.full((2, 3, 3), [[[30.0]], [[-30.0]]], np.float16))
    sharp = TemperatureMap(2, None, FITTED, temperature=1e-4)
    told = (
        r"a.npz: 18 mapped logits, up to 3e\+05 in size, are beyond float16, which ends at 6.55e\+04: save the scores"
    )
    with pytest.raises(InputError, match=told):
        sharp.apply_to_folder(tmp_path / "p", tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("slices", [5, 2])
def test_one_channel_of_nifti_is_mapped_as_that(tmp_path, slices):
    for name in ("p", "l"):
        (tmp_path / name).mkdir()
    logits = np.random.default_rng(0).normal(size=(4, 3, slices)).astype(np.float32)
    nibabel.save(nibabel.Nifti1Image(logits, np.eye(4)), tmp_path / "p" / "a.nii.gz")
    nibabel.save(nibabel.Nifti1Image((logits > 0).astype(np.uint8), np.eye(4)), tmp_path / "l" / "a.nii.gz")
    found = TemperatureMap(2, None, FITTED, temperature=2.0)
    if slices == 2:
        with pytest.raises(InputError, match=r"two classes of a plane, or two slices .* --labels FOLDER"):
            found.apply_to_folder(tmp_path / "p", tmp_path / "out", kind="logits")
    found.apply_to_folder(tmp_path / "p", tmp_path / "out", kind="logits", labels=tmp_path / "l")
    np.testing.assert_allclose(np.asarray(nibabel.load(tmp_path / "out" / "a.nii.gz").dataobj), logits / 2, rtol=1e-6)


def test_one_channel_is_fitted_mapped_and_applied(capsys, tmp_path):
    rng = np.random.default_rng(1)
    every = {}
    for i in range(6):
        labels = rng.integers(0, 2, (6, 7))
        every[f"c{i}"] = (
            np.clip(0.5 + 0.45 * (2 * labels - 1) * rng.choice([1, 1, -1], (6, 7)), 0.05, 0.95)[None],
            labels,
        )
    scores, marks = npz(tmp_path, every)
    found = calibeval.fit(scores, labels=marks)
    found.apply_to_folder(scores, tmp_path / "out")
    with np.load(tmp_path / "out" / "c0.npz") as written:
        odds = np.log(every["c0"][0] / (1 - every["c0"][0])) / found.temperature
        np.testing.assert_allclose(written["probs"], 1 / (1 + np.exp(-odds)), rtol=1e-9)
    result = run(capsys, "report", scores, "--labels", marks, "--cross-fit", "3", "--json")
    assert result.code == 0, result.err
