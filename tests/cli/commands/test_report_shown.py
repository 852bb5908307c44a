"""`calibeval report --show CASE --images FOLDER`, and figures of images."""

import numpy as np
import pytest

from tests.cli.invoking import run
from tests.readers.cases.folders import image, nnunet, npz


@pytest.fixture
def folders(tmp_path):
    return npz(tmp_path, {f"scan_{i}": image(i, (6 + i % 3, 7)) for i in range(12)})


def page(capsys, tmp_path, *words):
    result = run(capsys, "report", *map(str, words), "-o", str(tmp_path / "out"))
    assert result.code == 0, result.err
    return (tmp_path / "out" / "report.html").read_text()


def test_the_worst_three_are_shown(capsys, tmp_path, folders):
    text = page(capsys, tmp_path, folders[0], "--labels", folders[1])
    assert text.count('<figure class="case">') == 3
    assert text.count('class="picture"') == 15


def test_a_case_is_shown_by_its_name(capsys, tmp_path, folders):
    text = page(capsys, tmp_path, folders[0], "--labels", folders[1], "--show", "scan_3", "--show", "scan_4")
    assert 3 <= text.count('<figure class="case">') <= 5
    first = text.index('<figure class="case">')
    assert "scan_3" in text[first : first + 200]


def test_an_image_of_one_array_is_shown_by_its_number(capsys, tmp_path):
    made = [image(i, (6, 7)) for i in range(4)]
    np.savez(tmp_path / "a.npz", probs=np.stack([p for p, _ in made]), labels=np.stack([marks for _, marks in made]))
    text = page(capsys, tmp_path, tmp_path / "a.npz", "--show", "2")
    first = text.index('<figure class="case">')
    assert "image 2" in text[first : first + 200]


def test_images_beside_labels(capsys, tmp_path):
    nibabel = pytest.importorskip("nibabel")
    cases = {f"case_{i}": image(i, (4, 6, 7)) for i in range(2)}
    scores, labels = nnunet(tmp_path, cases)
    images = tmp_path / "imagesTr"
    images.mkdir()
    rng = np.random.default_rng(0)
    nibabel.Nifti1Image(rng.random((7, 6, 4)), np.eye(4)).to_filename(images / "case_0_0000.nii.gz")
    text = page(capsys, tmp_path, scores, "--labels", labels, "--images", images)
    assert text.count('class="picture"') == 11
    assert "slice " in text
    for file in images.iterdir():
        file.rename(images / "other.nii.gz")
    result = run(capsys, "report", str(scores), "--labels", str(labels), "--images", str(images), "-o", str(tmp_path))
    assert result.code == 3
    assert "no image belongs to a case" in result.err
    assert "cases are case_0, case_1, and images other" in result.err


def test_figures(capsys, tmp_path, folders):
    pictures, bars = tmp_path / "cases.svg", tmp_path / "images.svg"
    words = ["--export", f"pictures={pictures}", "--export", f"images={bars}", "--width", "5"]
    result = run(capsys, "report", str(folders[0]), "--labels", str(folders[1]), *words, "--show", "0")
    assert result.code == 0, result.err
    assert 'width="360pt"' in pictures.read_text()
    assert "Confidence − accuracy (points)" in bars.read_text()


@pytest.mark.parametrize(
    ("more", "code", "said"),
    [
        (["--show", "scan_33", "-o", "out"], 2, '--show "scan_33": there is no such case (did you mean "scan_3"?)'),
        (["--show", "scan_3"], 2, "--show belongs to -o, whose page shows images"),
        (["--images", "x", "-o", "out"], 4, "x: cannot be read"),
        (["--export", "pictures=x.gif"], 2, 'a figure cannot be a ".gif" file'),
    ],
)
def test_what_cannot_be_shown(capsys, folders, more, code, said):
    result = run(capsys, "report", str(folders[0]), "--labels", str(folders[1]), *more)
    assert said in result.err
    assert result.code == code


def test_rows_are_no_images(capsys, tmp_path):
    np.savez(tmp_path / "a.npz", probs=[[0.8, 0.2], [0.3, 0.7]], labels=[0, 0])
    result = run(capsys, "report", str(tmp_path / "a.npz"), "--show", "0", "-o", str(tmp_path / "out"))
    assert result.code == 2
    assert "--show is for segmentations, but its rows are no pixels" in result.err
    result = run(capsys, "report", str(tmp_path / "a.npz"), "--export", f"images={tmp_path / 'x.svg'}")
    assert "the report has no segmentations" in result.err
