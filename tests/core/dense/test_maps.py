"""Maps of images: every array of a small one by hand, the slice of a volume, what does not count."""

import numpy as np
import pytest

from calibeval import Predictions, evaluate
from calibeval.core.dense.case import Case
from calibeval.core.dense.maps import Asked, maps_of, smoothed
from calibeval.core.dense.shown import DumpCases, found_case, shown_maps
from calibeval.core.errors import InputError, UsageError

LABELS = np.array([[0, 0, 1, 1], [0, 0, 1, 1], [0, 0, 0, 1], [9, 0, 0, 0]])
ONE = np.array([[0.1, 0.2, 0.8, 0.9], [0.1, 0.4, 0.6, 0.9], [0.3, 0.7, 0.6, 0.2], [0.5, 0.1, 0.1, 0.1]])
SCORES = np.stack([1 - ONE, ONE])


@pytest.fixture(scope="module")
def maps():
    return maps_of(Case("a", SCORES, LABELS), Asked("probs", ignore_index=9))


def test_a_small_image_by_hand(maps):
    assert maps.predicted.tolist() == [[0, 0, 1, 1], [0, 0, 1, 1], [0, 1, 1, 0], [0, 0, 0, 0]]
    assert maps.counts.tolist() == (LABELS != 9).tolist()
    assert maps.wrong.tolist() == [[False] * 4, [False] * 4, [False, True, True, True], [False] * 4]
    np.testing.assert_allclose(maps.confidence, np.maximum(ONE, 1 - ONE), atol=1e-7)
    assert (maps.n, maps.accuracy) == (15, 12 / 15)
    assert maps.mean_confidence == pytest.approx((np.maximum(ONE, 1 - ONE).sum() - 0.5) / 15, abs=1e-7)
    assert (maps.step, maps.sides, maps.slice, maps.image) == (1, (4.0, 4.0), None, None)


def test_the_gap_nearby_is_a_weighted_mean(maps):
    assert maps.width == 1.0
    surplus = np.maximum(ONE, 1 - ONE) - ~maps.wrong
    y, x = np.mgrid[:4, :4]
    for place in ((0, 0), (2, 3), (1, 1)):
        apart = np.maximum(abs(y - place[0]), abs(x - place[1]))
        weight = np.exp(-((y - place[0]) ** 2 + (x - place[1]) ** 2) / 2) * (LABELS != 9) * (apart <= 3)
        assert maps.gap[place] == pytest.approx((weight * surplus).sum() / weight.sum(), abs=1e-6)
    assert np.isnan(maps.gap[3, 0])


def test_what_does_not_count_has_no_weight():
    counts = np.array([[True, True, False]])
    near, far = (smoothed(np.array([[0.2, 0.2, other]]), counts, 1.0) for other in (0.2, 99.0))
    np.testing.assert_array_equal(near, far)


def test_a_volume_is_shown_by_its_slice_with_the_most_wrong_pixels():
    labels = np.zeros((3, 4, 5), int)
    one = np.full((3, 4, 5), 0.2)
    one[1, :2] = 0.9
    one[2, 0] = 0.9
    found = maps_of(Case("a", np.stack([1 - one, one]), labels, spacing=(3.0, 1.0, 0.5)), Asked("probs"))
    assert found.slice == (1, 3, pytest.approx(0.5))
    assert found.wrong.sum() == 10
    assert found.sides == (4.0, 2.5)
    assert (found.n, found.accuracy) == (60, 45 / 60)


def test_slices_without_errors_are_chosen_by_what_is_unsure():
    one = np.full((3, 4, 5), 0.1)
    one[2] = 0.3
    assert maps_of(Case("a", np.stack([1 - one, one]), np.zeros((3, 4, 5), int)), Asked("probs")).slice.number == 2


@pytest.mark.parametrize("axis", [0, 2])
def test_a_plane_in_a_file_for_volumes_is_no_slice(axis):
    scores, labels = np.expand_dims(SCORES, axis + 1), np.expand_dims(LABELS, axis)
    spacing = tuple(np.insert([2.0, 1.0], axis, 9.0))
    found = maps_of(Case("a", scores, labels, spacing=spacing), Asked("probs", 9))
    plane = maps_of(Case("a", SCORES, LABELS, spacing=(2.0, 1.0)), Asked("probs", 9))
    assert found.slice is None
    assert found.sides == plane.sides == (8.0, 4.0)
    for name in ("labels", "predicted", "counts", "gap"):
        np.testing.assert_array_equal(getattr(found, name), getattr(plane, name))


def test_a_plane_from_x_is_no_slice():
    volume = Case("a", SCORES[..., np.newaxis], LABELS[..., np.newaxis], spacing=(2.0, 1.0, 5.0), from_x=True)
    found = maps_of(volume, Asked("probs", 9))
    assert found.slice is None
    assert found.labels.tolist() == np.where(LABELS == 9, 0, LABELS).T.tolist()
    assert found.sides == (4.0, 8.0)


def test_axes_from_x_are_shown_transposed():
    found = maps_of(Case("a", SCORES, LABELS, spacing=(2.0, 1.0), from_x=True), Asked("probs", 9))
    assert found.labels.tolist() == np.where(LABELS == 9, 0, LABELS).T.tolist()
    assert found.sides == (4.0, 8.0)
    assert found.predicted[3, 2] == 0
    assert found.predicted[2, 2] == found.predicted[1, 2] == 1


def test_one_region_of_several():
    regions = np.stack([ONE, np.full((4, 4), 0.01)])
    found = maps_of(Case("a", regions, np.where(LABELS == 1, 2, LABELS)), Asked("probs", 9, (0, (1, 2))))
    assert found.labels.tolist() == np.where(LABELS == 9, 0, LABELS).tolist()
    assert found.predicted.tolist() == (ONE > 0.5).astype(int).tolist()


def test_the_background_of_a_region_is_what_has_label_0():
    regions = np.stack([ONE, np.full((4, 4), 0.01)])
    found = maps_of(Case("a", regions, LABELS), Asked("probs", 1, (1, (2,)), (0,)))
    assert found.counts.tolist() == ((LABELS != 0) & (LABELS != 1)).tolist()


def test_large_images_keep_every_second_pixel():
    labels = np.arange(1030 * 4).reshape(1030, 4) % 2
    scores = np.stack([1.0 - labels, labels])
    found = maps_of(Case("a", scores, labels), Asked("probs"), np.repeat(labels[..., None], 3, axis=2).astype(np.uint8))
    assert found.step == 3
    assert found.labels.tolist() == labels[1::3, 1::3].tolist()
    assert found.image.shape == (*found.labels.shape, 3)


@pytest.mark.parametrize(
    ("image", "shown"),
    [
        (np.array([[0, 255], [51, 0]], np.uint8), [[0.0, 1.0], [0.2, 0.0]]),
        (np.array([[[0, 255], [51, 0]]], np.uint8), [[0.0, 1.0], [0.2, 0.0]]),
        (np.kron([[0.0, 4.0], [0.0, 4.0]], np.ones((3, 3))), [[0.0, 1.0], [0.0, 1.0]]),
    ],
)
def test_images_are_stretched_to_the_labels(image, shown):
    scores = np.full((2, 2, 2), 0.5)
    found = maps_of(Case("a", scores, np.zeros((2, 2), int)), Asked("probs"), image)
    np.testing.assert_allclose(found.image, shown)


def test_an_image_of_other_slices_is_refused():
    case = Case("a", np.full((2, 3, 2, 2), 0.5), np.zeros((3, 2, 2), int))
    with pytest.raises(InputError, match=r"a: its image has shape \(4, 2, 2\), but the labels have \(3, 2, 2\)"):
        maps_of(case, Asked("probs"), np.zeros((4, 2, 2)))


def test_a_case_without_labels_cannot_be_shown():
    with pytest.raises(InputError, match="a: no pixel has a label"):
        maps_of(Case("a", SCORES, np.full((4, 4), 9)), Asked("probs", 9))


def test_the_worst_and_those_that_were_asked_for():
    rng = np.random.default_rng(5)
    p = rng.dirichlet([1, 1, 1], (6, 8, 9)).transpose(0, 3, 1, 2)
    dump = Predictions(probs=p, labels=rng.integers(0, 3, (6, 8, 9)), ids=[f"case {i}" for i in range(6)])
    report = evaluate(dump).dumps[0]
    worst = [one.image for one in report.per_image.numbers["ece"].worst]
    asked = next(name for name in dump.ids if name not in worst)
    maps = shown_maps(report, DumpCases(dump), [asked, worst[1]])
    assert [one.name for one in maps] == [asked, worst[1], worst[0], worst[2]]
    assert [(one.asked, one.rank) for one in maps] == [(True, None), (True, 2), (False, 1), (False, 3)]
    number = list(dump.ids).index(asked)
    assert maps[0].predicted.tolist() == p[number].argmax(axis=0).tolist()
    assert maps[0].labels.tolist() == dump.labels.reshape(6, 8, 9)[number].tolist()


def test_an_unknown_case_names_near_ones():
    with pytest.raises(UsageError, match=r'"liver_07", but there is no such case \(did you mean "liver_7"\?\)'):
        found_case("liver_07", ["liver_6", "liver_7"])
    with pytest.raises(UsageError, match="the 2 are a, b"):
        found_case("2", ["a", "b"])
