"""Sentences with codes: what they are as texts, how they are read, and that every code is raised and documented."""

from __future__ import annotations

import copy
import pickle
import re
from pathlib import Path
from typing import get_args

import pytest

import calibeval
from calibeval import Predictions, evaluate
from calibeval.core.data.documents import Place, Wrong
from calibeval.core.data.notices import Notice, OutcomeCode, ReasonCode, WarningCode, read_notice, warning
from calibeval.core.data.records import read_as, to_plain
from calibeval.core.metrics.result import MetricResult

PACKAGE = Path(calibeval.__file__).parent
DOCUMENT = Path("docs/reference/json.md").read_text(encoding="utf-8")
FEW = warning("few_groups", "3 groups are few")


def test_a_notice_is_its_sentence():
    assert f"{FEW}." == "3 groups are few."
    assert FEW.reworded("x: few").code == "few_groups"
    assert Notice.of(FEW) is FEW
    assert Notice.of("by hand").code is None


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, lambda one: pickle.loads(pickle.dumps(one))])  # noqa: S301
def test_copies_keep_the_code(again):
    assert (again(FEW), again(FEW).code) == (FEW, "few_groups")


def test_codes_survive_json():
    found = read_as(Place({"code": "few_groups", "message": "few"}, "", "it"), Notice)
    assert (found, found.code) == ("few", "few_groups")
    document = to_plain(MetricResult("ece", None, reason=found))
    assert document["reason"] == {"code": "few_groups", "message": "few"}


def test_earlier_versions_wrote_the_sentence_alone():
    found = read_notice(Place("few", "", "it"))
    assert (found, found.code) == ("few", None)
    assert read_notice(Place({"code": None, "message": "few"}, "", "it")).code is None


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (None, "is null, but a string, or an object with a code and a message, is needed"),
        ({"code": "x"}, 'has no "message"'),
        ({"message": "x"}, 'has no "code"'),
        ({"code": 1, "message": "x"}, "code is 1, but a string is needed"),
        ({"code": "x", "message": None}, "message is null, but a string is needed"),
    ],
)
def test_what_is_no_notice_is_refused(value, message):
    with pytest.raises(Wrong) as error:
        read_notice(Place(value, "", "it"))
    assert str(error.value).removeprefix("it ") == message


@pytest.mark.parametrize(
    ("codes", "heading"),
    [(ReasonCode, "code of a reason"), (WarningCode, "code of a warning"), (OutcomeCode, "code of a rule's reason")],
)
def test_every_code_is_documented_and_no_other(codes, heading):
    table = DOCUMENT.partition(f"| {heading} |")[2].partition("\n\n")[0]
    cells = [row.split("|")[1] for row in table.splitlines()[2:]]
    assert sorted(code for cell in cells for code in re.findall(r"`(\w+)`", cell)) == sorted(get_args(codes))


@pytest.mark.parametrize(
    ("codes", "call"),
    [(ReasonCode, r"(?:reason|NotComputable)"), (WarningCode, "warning"), (OutcomeCode, "outcome")],
)
def test_every_code_is_raised_somewhere(codes, call):
    source = "\n".join(path.read_text(encoding="utf-8") for path in PACKAGE.rglob("*.py"))
    used = set(re.findall(rf'\b{call}\(\s*"(\w+)"(?: if self\.certain else "\w+")?,', source))
    conditional = set(re.findall(rf'\b{call}\(\s*"\w+" if [\w.]+ else "(\w+)",', source))
    assert used | conditional == set(get_args(codes))


def test_warnings_by_hand_have_no_code():
    predictions = Predictions(probs=[[0.5, 0.5], [0.2, 0.8]], labels=[0, 1], warnings=["mind the gap"])
    assert evaluate(predictions).to_dict()["dumps"][0]["warnings"] == [{"code": None, "message": "mind the gap"}]
