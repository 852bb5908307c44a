"""Two tiny images whose numbers are written out."""

from types import SimpleNamespace

import numpy as np
import pytest

from calibeval import Predictions, Report, evaluate
from calibeval.core.dense.of_dump import too_large
from calibeval.core.dense.regions import boundary, distances

# Image 0: two pixels right at 0.75 and 0.65; image 1: one right at 0.95, one wrong at 0.85, one ignored.
P = np.array([[[0.75, 0.65, 0.5]], [[0.95, 0.85, 0.9]]])
LABELS = np.array([[[0, 0, 9]], [[0, 1, 9]]])


@pytest.fixture
def block():
    dump = Predictions(probs=np.stack([P, 1 - P], axis=1), labels=LABELS, ignore_index=9)
    return evaluate(dump, bins=10).dumps[0].per_image


def test_pooled_and_mean_over_images(block):
    ece = block.numbers["ece"]
    # gaps of single pixels, each in a bin of its own: .25 + .35 + .05 + .85 over 4 pixels
    assert ece.pooled == pytest.approx((0.25 + 0.35 + 0.05 + 0.85) / 4)
    # image 0: (.25 + .35) / 2; image 1: (.05 + .85) / 2
    assert ece.mean == pytest.approx((0.3 + 0.45) / 2)
    assert ece.median == pytest.approx((0.3 + 0.45) / 2)
    assert (ece.lower_quartile, ece.upper_quartile) == (pytest.approx(0.3375), pytest.approx(0.4125))
    assert [(one.image, round(one.value, 9)) for one in ece.worst] == [("image 1", 0.45), ("image 0", 0.3)]
    assert ece.reason.code == "too_few_groups"


def test_overlap(block):
    # class 0: labels 3, predicted 4, both 3; class 1: labels 1, predicted 0
    first, second = block.structures
    assert first.numbers["dice"].pooled == pytest.approx(2 * 3 / 7)
    assert first.numbers["iou"].pooled == pytest.approx(3 / 4)
    assert second.numbers["dice"].pooled == 0.0
    assert second.numbers["dice"].undefined == 1  # image 0 has no class 1, neither in the labels nor predicted
    assert (first.support, first.images, second.support, second.images) == (3, 2, 1, 1)
    assert block.numbers["dice"].mean == pytest.approx((1.0 + (2 / 3 + 0) / 2) / 2)


def test_one_class_against_the_rest(block):
    # image 0: .75 and .65 against 1 and 1; image 1: .95 against 1 and .85 against 0
    ece = block.structures[0].numbers["ece"]
    assert ece.mean == pytest.approx(((0.25 + 0.35) / 2 + (0.05 + 0.85) / 2) / 2)
    assert block.structures[0].numbers["mce_all_bins"].pooled == pytest.approx(0.85)
    # the four pixels lie in four bins, so that the mean over bins is that over pixels
    assert block.structures[0].numbers["ace"].pooled == pytest.approx((0.25 + 0.35 + 0.05 + 0.85) / 4)


def test_scores(block):
    assert block.numbers["nll"].pooled == pytest.approx(-np.log([0.75, 0.65, 0.95, 0.15]).mean())
    squares = 2 * np.array([0.25, 0.35, 0.05, 0.85]) ** 2
    assert block.numbers["brier"].mean == pytest.approx(squares.mean())


def test_distances_and_bands(block):
    # a row of 3 pixels: in image 0 the change is between pixels 1 and 2, in image 1 between 0 and 1, and 1 and 2
    near = next(one for one in block.regions if one.name == "distance")
    assert (near.lower, near.upper, near.n) == (0.0, 3.0, 4)
    # mean distance of the counted pixels: (1 + 0 + 0 + 0) / 4; one band: its gap, whatever its weight
    assert block.numbers["ba_ece"].pooled == pytest.approx(abs((0.75 + 0.65 + 0.95 + 0.85) / 4 - 3 / 4))


def test_weights_of_bands():
    # one image of a row of 8: labels change between 3 and 4; distances 3 2 1 0 | 0 1 2 3
    p = np.array([0.9, 0.9, 0.9, 0.6, 0.6, 0.9, 0.9, 0.9])
    labels = np.array([0, 0, 0, 0, 1, 1, 1, 1])
    probs = np.stack([np.where(labels == 0, p, 1 - p), np.where(labels == 0, 1 - p, p)])[np.newaxis, :, np.newaxis]
    block = evaluate(Predictions(probs=probs, labels=labels.reshape(1, 1, 8)), bins=10).dumps[0].per_image
    near, far = ((0.9 * 4 + 0.6 * 2) / 6, 1 / ((2 + 2 + 1 + 1) / 6 + 1)), (0.9, 1 / (3 + 1))
    expected = (near[1] * (1 - near[0]) + far[1] * (1 - far[0])) / (near[1] + far[1])
    assert block.numbers["ba_ece"].pooled == pytest.approx(expected)


def test_the_block_is_read_back(block):
    dump = Predictions(probs=np.stack([P, 1 - P], axis=1), labels=LABELS, ignore_index=9)
    report = evaluate(dump, bins=10)
    again = Report.from_json(report.to_json())
    assert again == report
    assert again.dumps[0].per_image.numbers["ece"] == block.numbers["ece"]


def test_plain_rows_have_no_block():
    report = evaluate(Predictions(probs=[[0.8, 0.2]], labels=[0]))
    assert report.dumps[0].per_image is None
    assert "per_image" not in report.to_dict()["dumps"][0]


def test_boundary_has_a_frame_where_an_axis_is_long_enough():
    labels = np.zeros((12, 12), int)
    labels[:, 6:] = 1
    found = boundary(labels)
    assert found[3:9, 4:8].all()
    assert found.sum() == 6 * 4
    assert boundary(labels[:3])[:, 4:8].all()  # an axis of three pixels has none


def test_boundary_in_three_dimensions():
    labels = np.zeros((12, 12, 12), int)
    labels[6:] = 1
    assert boundary(labels).sum() == 4 * 6 * 6
    assert boundary(labels[:1]).sum() == 0


def test_distances_by_spacing():
    labels = np.zeros((1, 4), int)
    labels[0, 3] = 1
    assert distances(labels, (1.0, 0.5)).tolist() == [[1.0, 0.5, 0.0, 0.0]]
    assert distances(np.zeros((2, 2))) is None


def test_an_image_of_one_label_has_no_bands():
    dump = Predictions(probs=np.full((1, 2, 2, 3), 0.5), labels=np.zeros((1, 2, 3), int))
    block = evaluate(dump).dumps[0].per_image
    assert block.numbers["ba_ece"].pooled is None
    assert block.numbers["ba_ece"].undefined == 1
    assert block.numbers["boundary_ece"].pooled is None


@pytest.mark.parametrize(
    ("background", "n", "classes"), [(None, 4, 2), ("exclude-label", 1, 2), ("exclude-class", 4, 1)]
)
def test_background(background, n, classes):
    dump = Predictions(probs=np.stack([P, 1 - P], axis=1), labels=LABELS, ignore_index=9)
    report = evaluate(dump, bins=10, background=background)
    block = report.dumps[0].per_image
    assert report.dumps[0].n == n
    assert len(block.structures) == classes
    assert block.background == (background or "include")
    assert report.settings.background == background


def test_background_excluded_from_means_over_classes():
    dump = Predictions(probs=np.stack([P, 1 - P], axis=1), labels=LABELS, ignore_index=9)
    block = evaluate(dump, bins=10, background="exclude-class").dumps[0].per_image
    assert block.numbers["dice"].pooled == 0.0  # of class 1 alone
    assert block.structures[0].name == "1"


def test_groups_of_images():
    rng = np.random.default_rng(0)
    p = rng.random((24, 6, 6))
    labels = (rng.random((24, 6, 6)) < p).astype(int)
    patients = np.repeat(np.arange(12), 2)
    dump = Predictions(probs=np.stack([1 - p, p], axis=1), labels=labels)
    alone, paired = (evaluate(dump, group=group).dumps[0].per_image for group in (None, patients))
    assert (alone.units, alone.unit, paired.units, paired.unit) == (24, None, 12, "group")
    own, other = (one.numbers["ece"] for one in (alone, paired))
    assert own.mean == other.mean
    assert (own.mean_low, own.mean_high) != (other.mean_low, other.mean_high)


def test_means_over_images_have_the_interval_of_a_mean():
    rng = np.random.default_rng(1)
    p = rng.random((15, 5, 5))
    labels = (rng.random((15, 5, 5)) < p).astype(int)
    number = (
        evaluate(Predictions(probs=np.stack([1 - p, p], axis=1), labels=labels)).dumps[0].per_image.numbers["brier"]
    )
    own = (2 * (labels - p) ** 2).mean(axis=(1, 2))
    half = 2.144787 * own.std(ddof=1) / np.sqrt(15)  # Student's quantile with 14 degrees of freedom
    assert number.mean_low == pytest.approx(own.mean() - half, abs=1e-6)
    assert number.mean_high == pytest.approx(own.mean() + half, abs=1e-6)


def test_what_does_not_fit_is_told(monkeypatch):
    monkeypatch.setattr("calibeval.core.dense.of_dump.LEAST_BYTES", 0)
    dump = Predictions(probs=np.stack([P, 1 - P], axis=1), labels=LABELS, ignore_index=9)
    found = evaluate(dump, bins=10, max_memory=100).dumps[0]
    assert found.per_image is None
    assert found.warnings[-1].code == "images_not_measured"
    assert "an image takes" not in found.warnings[-1]  # 2 classes in 10 bins take more than 3 pixels
    many = SimpleNamespace(k=19, layout=(100_000, 16, 16))
    each = 8 * 5 * 10 * (19 + 2) + 8 * (17 + 6 * 19)  # sums of bins, and what is computed of them; numbers
    assert f"sums and numbers of 100,000 images take {1e5 * each / 2**20:,.0f} MiB, over" in too_large(many, 10, 2**29)
    assert too_large(many, 10, 2**31) is None
    assert evaluate(dump, bins=10, max_memory=10**6, jobs=4).dumps[0].per_image is not None
