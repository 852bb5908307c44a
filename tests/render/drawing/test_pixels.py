"""Pictures of a small image, colour by colour, and their files, which another library reads."""

import io
import struct
import zlib

import numpy as np
import pytest

from calibeval.core.dense.case import Case
from calibeval.core.dense.maps import Asked, maps_of
from calibeval.render.drawing.pixels import (
    CIVIDIS,
    CLASSES,
    RIGHT,
    SURE,
    UNCOUNTED,
    UNDER_TO_OVER,
    pictures,
    shown,
)
from calibeval.render.drawing.png import Photo, Raster, ramp

LABELS = np.array([[0, 2], [2, 9]])
SCORES = np.array([[[1.0, 0.0], [0.0, 0.5]], [[0.0, 0.0], [1.0, 0.5]], [[0.0, 1.0], [0.0, 0.0]]])


@pytest.fixture(scope="module")
def made():
    case = maps_of(Case("a", SCORES, LABELS), Asked("probs", 9), np.array([[0, 255], [0, 0]], np.uint8))
    common = shown([case], 3)
    return common, pictures(case, common)


def test_classes_have_the_colour_of_their_place_among_those_that_occur(made):
    common, found = made
    assert common.classes == (0, 1, 2)
    assert found["label"].rgb.reshape(-1, 3).tolist()[:3] == [list(CLASSES[0]), list(CLASSES[2]), list(CLASSES[2])]
    assert tuple(found["prediction"].rgb[1, 0].tolist()) == CLASSES[1] == common.colour(1)


def test_confidence_goes_from_chance_to_one(made):
    common, found = made
    assert common.least == pytest.approx(1 / 3)
    assert found["confidence"].rgb[0].tolist() == [list(CIVIDIS[-1])] * 2


def test_errors_are_dark_where_the_model_was_sure(made):
    rgb = made[1]["error"].rgb
    assert rgb[0].tolist() == [list(RIGHT)] * 2
    assert tuple(rgb[1, 0].tolist()) == SURE


def test_the_gap_has_the_same_range_on_both_sides(made):
    common, found = made
    assert 0.1 <= common.most <= 1.0
    assert round(10 * common.most) == pytest.approx(10 * common.most)
    red, _, blue = found["gap"].rgb[1, 0].tolist()
    assert red > blue
    assert UNDER_TO_OVER[3] == (255, 255, 255)


def test_pixels_that_do_not_count_are_striped_in_every_picture(made):
    found = dict(made[1])
    image = found.pop("image")
    assert image.rgb[0].tolist() == [[0] * 3, [255] * 3]
    for picture in found.values():
        assert tuple(picture.rgb[1, 1].tolist()) in UNCOUNTED


def test_stripes_alternate():
    labels = np.full((8, 8), 9)
    labels[0, 0] = 0
    case = maps_of(Case("a", np.full((2, 8, 8), 0.5), labels), Asked("probs", 9))
    rgb = pictures(case, shown([case], 2))["label"].rgb
    assert {tuple(one) for one in rgb[4].tolist()} == set(UNCOUNTED)


def test_more_classes_than_colours():
    labels = np.arange(64).reshape(8, 8)
    scores = np.eye(64)[labels].transpose(2, 0, 1)
    case = maps_of(Case("a", scores, labels), Asked("probs"))
    common = shown([case], 64)
    assert len(set(CLASSES)) == len(CLASSES) == 31
    assert common.colour(31) == common.colour(0)
    assert tuple(pictures(case, common)["label"].rgb[7, 7].tolist()) == common.colour(63)


def test_the_file_of_a_picture():
    picture = Raster(np.array([[0, 1, 1], [1, 0, 0]], np.uint8), ((1, 2, 3), (200, 100, 0)))
    file = picture.png()
    assert file[:8] == b"\x89PNG\r\n\x1a\n"
    assert struct.unpack(">IIBB", file[16:26]) == (3, 2, 8, 3)
    assert b"PLTE" + bytes([1, 2, 3, 200, 100, 0]) in file
    start = file.index(b"IDAT") + 4
    size = struct.unpack(">I", file[start - 8 : start - 4])[0]
    assert zlib.decompress(file[start : start + size]) == bytes([0, 0, 1, 1, 0, 1, 0, 0])
    assert file.endswith(struct.pack(">I", zlib.crc32(b"IEND")))
    assert picture.png() == file


def test_another_library_reads_both_kinds():
    image = pytest.importorskip("PIL.Image")
    rng = np.random.default_rng(0)
    raster = Raster(rng.integers(0, 48, (7, 5)).astype(np.uint8), ramp(CIVIDIS, 48))
    photo = Photo(rng.integers(0, 256, (7, 5, 3)).astype(np.uint8))
    for picture in (raster, photo):
        read = np.asarray(image.open(io.BytesIO(picture.png())).convert("RGB"))
        assert np.array_equal(read, picture.rgb)
