"""Folders of cases: which files belong together, how their axes match, and what is refused."""

import hashlib
import json
import os
import zipfile

import nibabel as nib
import numpy as np
import pytest
import tifffile
from PIL import Image

from calibeval.core.errors import InputError
from calibeval.core.evaluation.of_cases import evaluate_cases
from calibeval.core.evaluation.settings import checked
from calibeval.readers.cases.folder import Folder
from calibeval.readers.cases.recognised import holds_cases
from calibeval.readers.meaning.read_options import ReadOptions
from calibeval.readers.stored.limits import Limits
from tests.readers.cases.folders import image, nnunet, npz


def opened(scores, labels, layout=None, **options):
    return Folder(scores, labels, ReadOptions(**options), layout)


def measured(folder, **settings):
    return evaluate_cases(folder, checked(bins=10, level=None, **settings))


def test_nnunet_in_three_dimensions(tmp_path):
    cases = {f"case_{i}": image(i, (3 + i, 7, 6)) for i in range(3)}
    folder = opened(*nnunet(tmp_path, cases))
    assert folder.facts.class_names == ("background", "liver", "tumour")
    case = folder.read(1)
    assert case.name == "case_1"
    assert case.scores.shape == (3, 4, 7, 6)
    assert (case.labels == cases["case_1"][1]).all()
    assert case.spacing == (3.0, 0.5, 0.5)  # of z, y, x


def test_nnunet_in_two_dimensions_has_an_axis_of_one(tmp_path):
    scores, labels = tmp_path / "p", tmp_path / "l"
    scores.mkdir()
    labels.mkdir()
    p, marks = image(0, (8, 9))
    np.savez_compressed(scores / "a.npz", probabilities=p[:, np.newaxis].astype(np.float32))
    Image.fromarray(marks).save(labels / "a.png")
    case = opened(scores, labels).read(0)
    assert (case.scores.shape, case.labels.shape) == ((3, 8, 9), (8, 9))


def test_cases_of_any_size_are_pooled(tmp_path):
    cases = {f"c{i}": image(i, (5 + i, 9)) for i in range(4)}
    (report,) = measured(opened(*npz(tmp_path, cases)))
    confidence = np.concatenate([p.max(axis=0).ravel() for p, _ in cases.values()])
    right = np.concatenate([(p.argmax(axis=0) == y).ravel() for p, y in cases.values()])
    bins = np.ceil(confidence * 10).astype(int)
    ece = sum(abs((right - confidence)[bins == b].sum()) for b in range(1, 11)) / len(right)
    assert report.n == len(right)
    assert report.metrics["ece"].value == pytest.approx(ece)
    assert report.per_image.numbers["ece"].pooled == pytest.approx(ece)
    assert report.groups.count == 4


def test_monai_has_the_classes_last(tmp_path):
    scores, labels = tmp_path / "p", tmp_path / "l"
    labels.mkdir()
    p, marks = image(3, (4, 5, 6))
    (scores / "c1").mkdir(parents=True)
    affine = np.diag([1.0, 2.0, 3.0, 1.0])
    nib.Nifti1Image(np.moveaxis(p, 0, -1).astype(np.float32), affine).to_filename(scores / "c1" / "c1_trans.nii.gz")
    nib.Nifti1Image(marks, affine).to_filename(labels / "c1.nii.gz")
    folder = opened(scores, labels)
    case = folder.read(0)
    assert (case.name, case.scores.shape, case.spacing) == ("c1", (3, 4, 5, 6), (1.0, 2.0, 3.0))
    assert folder.pairs.postfix == "_trans"
    np.testing.assert_allclose(case.scores, p, atol=1e-6)


def test_regions_are_binary_dumps(tmp_path):
    p, marks = image(5, (4, 6, 6))
    q = np.stack([p[1] + p[2], p[2]])  # whole = labels 1 and 2, core = label 2
    labels = {"background": 0, "whole": [1, 2], "core": 2}
    scores, folder = nnunet(tmp_path, {"a": (q, marks), "b": (q, marks)})
    (scores / "dataset.json").write_text(json.dumps({"labels": labels, "regions_class_order": [1, 2]}))
    whole, core = measured(opened(scores, folder))
    assert (whole.source.split, core.source.split) == ("whole", "core")
    assert whole.k == 2
    assert [one.support for one in whole.per_class] == [2 * int((marks == 0).sum()), 2 * int((marks > 0).sum())]
    assert core.per_class[1].support == 2 * int((marks == 2).sum())
    assert whole.per_image.structures[1].name == "whole"


def test_ignore_of_dataset_json(tmp_path):
    p, marks = image(6, (4, 6, 6))
    marks[0] = 3
    labels = {"background": 0, "liver": 1, "tumour": 2, "ignore": 3}
    folder = opened(*nnunet(tmp_path, {"a": (p, marks)}, labels=labels))
    (report,) = measured(folder)
    assert (report.n, report.ignored) == (3 * 36, 36)
    assert 'dataset.json calls it "ignore"' in report.warnings[0]


def test_masks_of_255(tmp_path):
    scores, labels = tmp_path / "p", tmp_path / "l"
    scores.mkdir()
    labels.mkdir()
    p, marks = image(0, (8, 9), 2)
    np.savez(scores / "a.npz", probs=p)
    Image.fromarray((marks * 255).astype(np.uint8)).save(labels / "a.png")
    case = opened(scores, labels).read(0)
    assert (case.labels == marks).all()
    assert case.told == ("masks of 0 and 255 are the classes 0 and 1",)


def test_tiff_stacks(tmp_path):
    scores, labels = tmp_path / "p", tmp_path / "l"
    scores.mkdir()
    labels.mkdir()
    p, marks = image(0, (4, 8, 9))
    np.savez(scores / "a.npz", probs=p)
    tifffile.imwrite(labels / "a.tif", marks, photometric="minisblack")
    assert (opened(scores, labels).read(0).labels == marks).all()


def test_half_precision_is_divided_by_its_sums(tmp_path):
    cases = {"a": image(1), "b": image(2)}
    halves = {name: (p.astype(np.float16), marks) for name, (p, marks) in cases.items()}
    case = opened(*npz(tmp_path, halves)).read(0)
    np.testing.assert_allclose(case.scores.sum(axis=0), 1.0, atol=1e-12)


def test_cases_left_out_are_told(tmp_path):
    scores, labels = npz(tmp_path, {name: image(1) for name in "abc"})
    (labels / "c.npz").rename(labels / "d.npz")
    told = opened(scores, labels).facts.warnings
    assert [str(one) for one in told] == [
        "1 case has no labels and is left out: c",
        "1 case has labels but no prediction and is left out: d",
    ]


def test_no_case_in_common(tmp_path):
    scores, labels = npz(tmp_path, {"a": image(1)})
    (labels / "a.npz").rename(labels / "x.npz")
    with pytest.raises(InputError, match=r"no case of .* has labels in .*: .*here are a, and there x"):
        opened(scores, labels)


def test_two_files_of_one_case(tmp_path):
    scores, labels = npz(tmp_path, {"a": image(1)})
    np.save(labels / "a.npy", image(1)[1])
    with pytest.raises(InputError, match=r'two files are of the case "a", a\.npy and a\.npz'):
        opened(scores, labels)


@pytest.mark.parametrize(
    ("shape", "labels", "said"),
    [
        ((3, 5, 6), (6, 5), r"labels are transposed by \(1, 0\)"),
        ((5, 6, 3), (5, 6), r"if the classes come first"),
        ((5, 3, 6), (5, 6), r"scores are transposed by \(1, 0, 2\)"),
        ((3, 5, 6), (10, 12), "enlarge the scores to the size of the labels"),
    ],
)
def test_shapes_that_differ(tmp_path, shape, labels, said):
    scores, marks = npz(tmp_path, {"a": (np.full(shape, 1 / 3), np.zeros(labels, int))})
    with pytest.raises(InputError, match=said):
        opened(scores, marks, "nnunet").read(0)


def test_values_that_are_no_probabilities_name_their_case(tmp_path):
    p, marks = image(2)
    wrong = p.copy()
    wrong[:, 4, 5] = 0.9
    folder = opened(*npz(tmp_path, {"a": (p, marks), "b": (wrong, marks)}))
    with pytest.raises(InputError, match=r"^b: .*pixel \(4, 5\)"):
        measured(folder)


def test_a_label_that_no_class_has_names_its_case(tmp_path):
    p, marks = image(2)
    other = marks.copy()
    other[1, 2] = 7
    folder = opened(*npz(tmp_path, {"a": (p, marks), "b": (p, other)}))
    with pytest.raises(InputError, match=r"^b: .*label 7"):
        measured(folder)


def test_labels_that_are_no_numbers(tmp_path):
    p, marks = image(2)
    with pytest.raises(InputError, match=r"a\.npz: labels are whole numbers, but \d\.5 came"):
        opened(*npz(tmp_path, {"a": (p, marks + 0.5)})).read(0)


def test_masks_in_colours(tmp_path):
    scores, labels = npz(tmp_path, {"a": image(1)})
    (labels / "a.npz").unlink()
    Image.fromarray(np.zeros((9, 10, 3), np.uint8)).save(labels / "a.png")
    with pytest.raises(InputError, match=r"a\.png: an image in colours \(RGB\)"):
        opened(scores, labels).read(0)


def test_hostile_pictures(tmp_path):
    scores, labels = npz(tmp_path, {"a": image(1)})
    (labels / "a.npz").unlink()
    for name in ("a.nii.gz", "a.nii", "a.png", "a.tif"):
        file = labels / name
        file.write_bytes(b"\x1f\x8b\x08\x00rubbish" * 50)
        with pytest.raises(InputError, match=rf"{name}: not a \w+ file, or damaged"):
            opened(scores, labels).read(0)
        file.unlink()


def test_a_header_that_lies_about_its_size(tmp_path):
    scores, labels = npz(tmp_path, {"a": image(1)})
    (labels / "a.npz").unlink()
    file = labels / "a.nii"
    header = nib.Nifti1Image(np.zeros((9, 10), np.uint8), np.eye(4)).to_bytes()
    lying = bytearray(header)
    lying[40:56] = np.array([3, 30000, 30000, 30000, 1, 1, 1, 1], np.int16).tobytes()
    file.write_bytes(bytes(lying))
    with pytest.raises(InputError, match=r"a\.nii: expands to \d+ bytes, over the limit"):
        opened(scores, labels).read(0)


def test_pickles_in_npz_are_never_opened(tmp_path):
    scores, labels = npz(tmp_path, {"a": image(1)})
    np.savez(scores / "a.npz", probs=np.array([{}], object))
    with pytest.raises(InputError, match="Python objects"):
        opened(scores, labels)


def test_a_bomb(tmp_path):
    scores, labels = npz(tmp_path, {"a": image(1)})
    np.savez_compressed(scores / "a.npz", probs=np.zeros((3, 2000, 2000), np.float32))
    with pytest.raises(InputError, match="over the limit"):
        opened(scores, labels, limits=Limits(max_bytes=10**6))
    assert zipfile.is_zipfile(scores / "a.npz")


def test_shards_are_no_cases(tmp_path):
    scores, labels = tmp_path / "p", tmp_path / "l"
    scores.mkdir()
    labels.mkdir()
    for i in range(2):
        np.savez(scores / f"s{i}.npz", logits=np.zeros((4, 3, 5, 5)))
        np.savez(labels / f"s{i}.npz", labels=np.zeros((4, 5, 5), int))
    assert not holds_cases(scores, labels)
    assert holds_cases(*npz(tmp_path, {"a": image(1)}))


def test_a_name_that_is_no_utf8(tmp_path):
    scores, labels = npz(tmp_path, {"a": image(0), "caf\udce9": image(1)})
    folder = opened(scores, labels)
    assert measured(folder)[0].groups.count == 2
    whole = hashlib.sha256()
    for name in sorted(os.listdir(os.fsencode(scores))):  # noqa: PTH208 - names as bytes
        own = hashlib.sha256((scores / os.fsdecode(name)).read_bytes()).hexdigest()
        whole.update(name + f"\0{own}\n".encode())
    assert folder.source().sha256 == whole.hexdigest()
