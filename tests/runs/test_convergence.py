"""When training had not converged: said from a gain on VAL that neither is small nor may be chance."""

from __future__ import annotations

import math

import pytest

from calibeval.core.data.notices import warning
from calibeval.runs.convergence import merged, not_converged
from calibeval.training.recipe import Recipe
from calibeval.training.settings import SCORES
from calibeval.training.spec import LossSpec
from calibeval.training.sweep import Trained


def notices(score, further, rows=10**6, *, select="nll", tuned=False):
    trained = Trained(Recipe(LossSpec("ce"), 0.1, 0.0), 0, score, 3, further=further)
    return not_converged("ce", trained, rows, select=select, tuned=tuned)


@pytest.mark.parametrize(
    ("score", "further", "rows", "said"),
    [
        (0.5, 0.4949, 10**6, True), (0.5, 0.4951, 10**6, False),  # 1 % of the score
        (0.5, 0.489, 100, True), (0.5, 0.491, 100, False),  # 0.1 / 10
        (0.5, 0.6, 100, False), (0.5, math.inf, 100, False), (0.0, 0.0, 100, False),
    ],
)  # fmt: skip
def test_a_gain_is_said_where_it_is_clear(score, further, rows, said):
    assert bool(notices(score, further, rows)) is said


def test_the_words_name_both_scores_and_what_to_do():
    (notice,) = notices(0.914, 0.088)
    assert notice.code == "not_converged"
    assert notice == (
        "ce: training had not converged: a longer step in the same direction lowers the NLL on VAL from 0.914 to "
        "0.088; raise --epochs or --lr"
    )
    (after,) = notices(0.914, 0.088, select=SCORES[0])
    assert "lowers the NLL on VAL after its temperature from 0.914 to 0.088;" in after
    assert notices(0.914, 0.088, tuned=True)[0].endswith("; raise --epochs")


def test_heads_of_which_the_same_is_said_are_named_in_one_warning():
    other = warning("map_note", "acls: temperature 1: all temperatures are equally good")
    one, two = notices(0.914, 0.088)[0], notices(0.914, 0.087)[0]
    as_one = [one.reworded(str(one).replace("ce:", f"{name}:")) for name in ("mbls", "acls")]
    found = merged([one, as_one[0], other, as_one[1], two])
    assert found == [str(one).replace("ce:", "ce, mbls and acls:"), str(other), str(two)]
    assert [notice.code for notice in found] == ["not_converged", "map_note", "not_converged"]
    assert merged([other, two, as_one[0]]) == [str(other), str(two), str(as_one[0])]
