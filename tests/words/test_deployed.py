"""Whether a new head beats the deployed one with a temperature: one sentence for every outcome, and what follows."""

from __future__ import annotations

from dataclasses import replace

import pytest

from calibeval.core.comparison.comparison import Difference
from calibeval.core.data.notices import reason
from calibeval.core.heads.deployed import DEPLOYED, DeployedHead
from calibeval.core.heads.pairs import LossPair
from calibeval.core.heads.results import LossResult
from calibeval.words.deployed import against_deployed
from calibeval.words.losses import Mark, halves, legend, notes, paired, sentences
from tests.render.terminal.test_losses import head, pair, table

KEEP = "Keep the deployed head, and divide its logits by 2.5: training shows no gain."


def beside(difference, *, shown="test", temperature=2.5, pairs=(), losses=("ce",)):
    """A table with the deployed head, whose NLL is 0.500 with its temperature."""
    numbers = head(0, 0.85, 0.2, 0.9, after=0.5)
    between = LossPair("ce", DEPLOYED, True, {"nll": difference})
    deployed = DeployedHead({}, 0.5, temperature, numbers.before, numbers.after, between)
    rows = [LossResult(name, {}, (head(0, 0.9, 0.06, 0.4),)) for name in losses]
    return replace(table(*rows, shown=shown, pairs=pairs), deployed=deployed)


def nll(candidate, low, high, p, **more):
    return Difference("nll", 0.5, candidate, candidate - 0.5, low, high, p, 0.021, **more)


@pytest.mark.parametrize(
    ("difference", "text"),
    [
        (
            nll(0.4, -0.12, -0.08, 1e-9),
            (
                "ce is certainly better than the deployed head with a temperature: NLL 0.500 → 0.400, "
                "−0.100 nats [−0.120, −0.080], on the same 5,000 rows of TEST."
            ),
        ),
        (
            nll(0.48, -0.039, -0.001, 0.04),
            (
                "ce is probably better than the deployed head with a temperature: NLL 0.500 → 0.480, "
                "−0.020 nats [−0.039, −0.001], on the same 5,000 rows of TEST."
            ),
        ),
        (
            nll(0.49, -0.03, 0.01, 0.4),
            (
                "This sample cannot tell whether ce is better than the deployed head with a temperature: NLL 0.500 → "
                "0.490, −0.010 nats [−0.030, +0.010], on the same 5,000 rows of TEST; it could have shown a difference "
                f"of 0.021 nats. {KEEP.replace('no gain', 'no certain gain')}"
            ),
        ),
        (
            nll(0.6, 0.08, 0.12, 1e-9),
            (
                "ce is certainly worse than the deployed head with a temperature: NLL 0.500 → 0.600, "
                f"+0.100 nats [+0.080, +0.120], on the same 5,000 rows of TEST. {KEEP}"
            ),
        ),
        (
            nll(0.5, 0.0, 0.0, 1.0, same=True),
            (
                "ce is no better than the deployed head with a temperature: both have NLL 0.500 on the same 5,000 rows "
                f"of TEST. {KEEP}"
            ),
        ),
        (
            Difference("nll", 0.5, 0.4, -0.1, reason=reason("x", "no rows")),
            "Not tested whether ce is better than the deployed head with a temperature: NLL 0.500 → 0.400 (no rows).",
        ),
    ],
)
def test_one_sentence_for_every_outcome(difference, text):
    assert against_deployed(beside(difference)) == text


def test_values_that_look_equal_are_left_out():
    text = against_deployed(beside(nll(0.5004, 0.0001, 0.0007, 0.01)))
    start = "ce is probably worse than the deployed head with a temperature: NLL +0.00040 nats [+0.00010, +0.00070], on"
    assert text.startswith(start)


def test_of_several_seeds_it_is_about_the_one_that_is_saved():
    found = beside(nll(0.4, -0.12, -0.08, 1e-9))
    seeds = tuple(head(number, 0.9, 0.06, 0.4) for number in (3, 4))
    text = against_deployed(replace(found, losses=(LossResult("ce", {}, seeds),)))
    assert text.startswith("ce with seed 3 is certainly better than the deployed head")


def test_a_split_that_chose_the_head_favours_it():
    text = against_deployed(beside(nll(0.4, -0.12, -0.08, 1e-9), shown="val"))
    assert text.endswith("rows of VAL. VAL also chose ce, which favours it.")
    assert "favours" not in against_deployed(beside(nll(0.6, 0.08, 0.12, 1e-9), shown="val"))


def apart(difference, **more):
    found = beside(difference, **more)
    return against_deployed(replace(found, settings=replace(found.settings, fold=False)))


def test_a_temperature_that_is_not_in_the_saved_head_is_said():
    start = "ce with its temperature is certainly better than the deployed head with a temperature: NLL 0.500 → 0.400"
    text = apart(nll(0.4, -0.12, -0.08, 1e-9))
    assert text.startswith(start)
    assert text.endswith("rows of TEST. The saved head is without it: divide its logits by 1.25.")
    text = apart(nll(0.4, -0.12, -0.08, 1e-9), shown="val")
    assert text.endswith("also chose ce, which favours it. The saved head is without it: divide its logits by 1.25.")
    text = apart(nll(0.6, 0.08, 0.12, 1e-9))
    assert text.startswith("ce with its temperature is certainly worse than the deployed head with a temperature: NLL")
    assert text.endswith(KEEP)
    text = apart(nll(0.49, -0.03, 0.01, 0.4))
    assert text.startswith("This sample cannot tell whether ce with its temperature is better than the deployed head")
    text = apart(Difference("nll", 0.5, 0.4, -0.1, reason=reason("x", "no rows")))
    assert text.startswith("Not tested whether ce with its temperature is better than the deployed head")


@pytest.mark.parametrize(("temperature", "said"), [(1.004, " as it is:"), (1.006, ", and divide its logits by 1.01:")])
def test_a_temperature_of_one_divides_nothing(temperature, said):
    text = against_deployed(beside(nll(0.6, 0.08, 0.12, 1e-9), temperature=temperature))
    assert f"Keep the deployed head{said}" in text


def test_it_stands_above_all_else():
    found = beside(nll(0.6, 0.08, 0.12, 1e-9))
    assert sentences(found)[0] == against_deployed(found)
    assert against_deployed(table(*found.losses)) == ""
    assert sentences(table(*found.losses))[0].startswith("ce on TEST")


def test_the_deployed_head_takes_part_in_the_marks():
    # Of accuracy and NLL the new head is best, of ECE, too; AECE and CWCE are tied.
    found = beside(nll(0.4, -0.12, -0.08, 1e-9), pairs=(pair(DEPLOYED, "ce", after=False, ece=0.2),))
    (first, deployed), (second, new) = halves(found)[0].rows
    assert (first, second) == (DEPLOYED, "ce")
    assert [cell.mark for cell in new] == [Mark.CERTAIN, Mark.BEST, Mark.BEST, Mark.BEST, Mark.CERTAIN]
    assert [cell.mark for cell in deployed] == [Mark.NONE, Mark.NONE, Mark.BEST, Mark.BEST, Mark.NONE]
    assert legend(found, "bold", "underlined")[0].startswith("bold: certainly better than every other head")


def test_a_deployed_head_that_is_best_is_marked():
    found = beside(nll(0.6, 0.08, 0.12, 1e-9), pairs=(pair("ce", DEPLOYED, after=True),))
    worse = replace(found, losses=(LossResult("ce", {}, (head(0, 0.8, 0.4, 0.95, after=0.6),)),))
    after = halves(worse)[1].rows
    assert after[0][1][-1].mark is Mark.CERTAIN
    assert after[1][1][-1].mark is Mark.NONE


def test_the_sentence_about_two_losses_is_about_losses():
    mine = pair("ce", DEPLOYED, after=True)
    found = beside(nll(0.4, -0.12, -0.08, 1e-9), pairs=(mine,))
    assert paired(found) == ""
    both = beside(nll(0.4, -0.12, -0.08, 1e-9), pairs=(mine, pair("ce", "ls", after=found.settings.fold)))
    assert paired(both).startswith("ce against ls on the same 5,000 rows")


def test_the_notes_say_that_it_was_not_trained():
    said = f"{DEPLOYED}: not trained here; its temperature is fitted on VAL, as those of the other heads"
    assert said in notes(beside(nll(0.4, -0.12, -0.08, 1e-9)))
