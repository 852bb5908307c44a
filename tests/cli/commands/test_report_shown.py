"""`calibeval report --show CASE --images FOLDER`, and figures of images."""

import re

import numpy as np
import pytest
from PIL import Image

import calibeval
from calibeval.api.show import drawn
from calibeval.core.errors import InputError
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


def test_python_shows_the_same(capsys, tmp_path, folders):
    files = {kind: tmp_path / f"{kind}.svg" for kind in ("pictures", "images")}
    exports = [word for kind, file in files.items() for word in ("--export", f"{kind}={file}")]
    text = page(capsys, tmp_path, folders[0], "--labels", folders[1], "--show", "scan_3", *exports)
    report = calibeval.evaluate(folders[0], labels=folders[1], show="scan_3")
    own = (report.save(tmp_path / "python") / "report.html").read_text()
    cut = re.compile(r'<figure class="case">.*</figure>', re.DOTALL)
    assert cut.search(own).group() == cut.search(text).group()
    assert {kind: drawn(report, ".svg", of=kind).decode() for kind in files} == {
        kind: file.read_text() for kind, file in files.items()
    }
    assert calibeval.Report.from_json(report.to_json()) == report
    assert len(report.figure(of="pictures").axes) > 0
    assert '<figure class="case">' in report._repr_html_()


def test_python_shows_the_worst_alone_and_nothing_unasked(folders):
    found = calibeval.evaluate(folders[0], labels=folders[1], show=[])
    assert [one.rank for one in found.cases[found.dumps[0].name]] == [1, 2, 3]
    plain = calibeval.evaluate(folders[0], labels=folders[1])
    assert plain.cases == {}
    with pytest.raises(InputError, match="the report keeps no pictures of images"):
        plain.figure(of="pictures")


def test_arrays_and_images_in_python(tmp_path):
    made = [image(i, (6, 7)) for i in range(4)]
    probs, labels = (np.stack(part) for part in zip(*made, strict=True))
    for i in range(4):
        Image.fromarray(np.full((6, 7), 60 * i, np.uint8)).save(tmp_path / f"{'abcd'[i]}.png")
    report = calibeval.evaluate(probs=probs, labels=labels, ids=list("abcd"), show=["c"], images=tmp_path)
    (maps,) = report.cases.values()
    assert maps[0].name == "c"
    np.testing.assert_allclose(maps[0].image, 120 / 255)
    with pytest.raises(calibeval.UsageError, match='show names "e", but there is no such case'):
        calibeval.evaluate(probs=probs, labels=labels, ids=list("abcd"), show="e")
    with pytest.raises(calibeval.UsageError, match=r"show is 1\.5, but it must be the name or the number of a case"):
        calibeval.evaluate(probs=probs, labels=labels, show=1.5)
    with pytest.raises(calibeval.UsageError, match="show is for segmentations"):
        calibeval.evaluate(probs=[[0.8, 0.2]], labels=[0], show=0)


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
        (
            ["--show", "scan_33", "-o", "out"],
            2,
            '"scan_33", but there is no such case (did you mean "scan_3"?)',
        ),
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
