"""The numbers of MONAI, Local Temperature Scaling, MbLS and CALS, as their code prints them."""

import os
from pathlib import Path

import numpy as np
import pytest

from calibeval import Predictions, read
from calibeval.core.conventions.images import IMAGE_CONVENTIONS, TITLES
from calibeval.core.dense.tool_sums import explain_images
from tests.conftest import ROOT

FOLDER = Path(os.environ.get("CALIBEVAL_REAL_DUMPS", ROOT.parent / "shared" / "data"))
CAMVID = FOLDER / "camvid_seg_tinyunet.npz"
EVALUATORS = FOLDER.parent / "golden" / "reference" / "segmentation.npz"


def explained(predictions, **settings):
    return {one.convention.name: one for one in explain_images(predictions, **settings)}


def means(one):
    return {name: number.mean for name, number in one.numbers.items()}


# Goldens


@pytest.mark.skipif(not CAMVID.exists(), reason="the shared predictions are not here")
def test_monai_and_lts_on_a_real_segmentation():
    found = explained(read(f"{CAMVID}#test"))
    assert means(found["monai"]) == pytest.approx(
        {
            "expected": 0.032810,
            "average": 0.130112,
            "maximum": 0.271610,
            "expected_foreground": 0.033960,
            "average_foreground": 0.125190,
            "maximum_foreground": 0.258890,
        },
        abs=1e-6,
    )
    lts = found["lts"].numbers
    assert (lts["ece"].mean, lts["boundary_ece"].mean) == pytest.approx((0.087364, 0.160205), abs=1e-6)


@pytest.mark.skipif(not EVALUATORS.exists(), reason="the numbers of the public evaluators are not here")
@pytest.mark.parametrize(
    ("name", "golden"),
    [
        ("mbls per update", "mbls_fgonly_countweighted"),
        ("mbls per update", "cals_batchmode_fgonly_countweighted"),
        ("cals per update", "cals_allpix_meanofimages"),
    ],
)
def test_public_evaluators(name, golden):
    with np.load(EVALUATORS) as stored:
        dump = Predictions(logits=stored["segeval_logits"], labels=stored["segeval_labels"], ignore_index=255)
        expected = {one: float(stored[f"segeval/{golden}/{one}"]) for one in ("nll", "ece", "aece", "cece")}
    expected["cwce"] = expected.pop("cece")
    assert means(explained(dump)[name]) == pytest.approx(expected, abs=1e-6)


# By hand: image 0 has labels 0, 1 and one to ignore; image 1 has class 0 only

P0 = np.array([[0.75, 0.25, 0.6875]])
P1 = np.array([[0.875, 0.875, 0.375]])
P = np.stack([P0, P1])
HAND = Predictions(probs=np.stack([P, 1 - P], axis=1), labels=[[[0, 1, 9]], [[0, 0, 0]]], ignore_index=9)


def test_monai_by_hand():
    found = means(explained(HAND, bins=2)["monai"])
    # class 0, image 0: bin (0, .5] has .25 against 0, bin (.5, 1] has .75 and .6875 against 1 and the ignored 0
    first = [0.25 + (1.4375 - 1), [0.25, (1.4375 - 1) / 2]]
    # class 1, image 0: .25 and .3125 against 0 and the ignored 0; .75 against 1
    second = [0.5625 + 0.25, [0.5625 / 2, 0.25]]
    # image 1: class 0 has .375 against 1, and .875 twice against 2; class 1 has .125 twice against 0, .625 against 0
    third, fourth = [0.625 + 0.25, [0.625, 0.125]], [0.25 + 0.625, [0.125, 0.625]]
    every = [first, second, third, fourth]
    assert found["expected"] == pytest.approx(sum(one[0] / 3 for one in every) / 4)
    assert found["average"] == pytest.approx(sum(sum(one[1]) / 2 for one in every) / 4)
    assert found["maximum"] == pytest.approx(sum(max(one[1]) for one in every) / 4)
    assert found["expected_foreground"] == pytest.approx((second[0] + fourth[0]) / 3 / 2)


def test_lts_by_hand():
    lts = explained(HAND, bins=2)["lts"]
    # all confidences lie in (.5, 1]: image 0 has .75 and .75, both right; image 1 has .875 twice right, .625 wrong
    gaps = [0.25, abs(2 - 2.375) / 3]
    assert lts.numbers["ece"].mean == pytest.approx(np.mean(gaps))
    assert lts.numbers["ece"].std == pytest.approx(np.std(gaps))
    # split by the predicted class: image 1 has 2 - 1.75 of class 0 and .625 of class 1
    assert lts.numbers["sce"].mean == pytest.approx((0.25 + (0.25 + 0.625) / 3) / 2)
    assert lts.numbers["boundary_ece"].mean == pytest.approx(0.25 / 2)  # image 1 has no boundary
    assert lts.remarks == ("1 of 2 images have no boundary and count as 0 in boundary numbers",)


def test_ace_of_lts_has_deciles_of_all_pixels():
    # confidences .75, .75 and the ignored .6875: the median is .75; image 1: .625, .875 and .875, median .875
    lts = explained(HAND, bins=2)["lts"]
    assert lts.numbers["ace"].mean == pytest.approx((0.25 + (0.25 + 0.625) / 3) / 2)


def test_an_update_without_foreground_has_no_number():
    found = explained(HAND, bins=2)
    assert means(found["mbls per update"]) == dict.fromkeys(("nll", "ece", "aece", "cwce"))
    why = "the tool's mean is NaN: 1 of 2 images have no foreground (number 1)"
    assert {one.reason for one in found["mbls per update"].numbers.values()} == {why}
    # plain mean over images of all labelled pixels
    assert found["cals per update"].numbers["ece"].mean == pytest.approx((0.25 + abs(2 - 2.375) / 3) / 2)
    nll = [-np.log(0.75), -(2 * np.log(0.875) + np.log(0.375)) / 3]
    assert found["cals per update"].numbers["nll"].mean == pytest.approx(np.mean(nll))


def test_images_weigh_as_their_foreground():
    p = np.array([[[0.75, 0.25, 0.75]], [[0.25, 0.25, 0.75]]])
    dump = Predictions(probs=np.stack([p, 1 - p], axis=1), labels=[[[0, 1, 0]], [[1, 1, 0]]])
    ece = explained(dump, bins=1)["mbls per update"].numbers["ece"]
    assert ece.mean == pytest.approx((1 * 0.25 + 2 * 0.25) / 3)


def test_an_impossible_label_has_no_finite_nll():
    dump = Predictions(probs=[[[[1.0, 1.0]], [[0.0, 0.0]]]], labels=[[[0, 1]]])
    nll = explained(dump)["cals per update"].numbers["nll"]
    assert (nll.mean, nll.reason) == (None, "is infinite: a label has probability 0")


def test_float32_underflow_is_no_infinite_nll():
    dump = Predictions(logits=np.array([[[[0.0]], [[-200.0]]]], np.float32), labels=[[[1]]])
    assert explained(dump)["cals per update"].numbers["nll"].mean == pytest.approx(200.0)


def test_rows_that_are_no_images_have_none():
    assert explain_images(Predictions(probs=[[0.5, 0.5]], labels=[0])) == ()


def test_every_number_has_a_title():
    assert {name for one in IMAGE_CONVENTIONS.values() for name in one.numbers} == set(TITLES)
