"""The page of a training is about the saved head; its curves stand where the numbers of the history are."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from calibeval.core.comparison.comparison import Difference
from calibeval.core.heads.deployed import DEPLOYED, DeployedHead
from calibeval.core.heads.history import EpochFacts
from calibeval.core.heads.pairs import LossPair
from calibeval.core.heads.results import LossResult
from calibeval.core.report.fitted_on import FittedOn
from calibeval.core.report.report import Recalibrated
from calibeval.render.page.curves import MOST_EPOCHS, curves
from calibeval.render.page.training import render
from calibeval.words.deployed import against_deployed
from calibeval.words.losses import paired
from calibeval.words.report import headline
from tests.render.hand_made import HOSTILE, over_confident, report, with_metric
from tests.render.page.test_page import Page
from tests.render.terminal.test_losses import ONE, head, table


def epoch(number, nll, **more):
    facts = {"train_loss": nll, "val_nll_after": nll / 2, "val_accuracy": 0.5, "val_ece": 0.1}
    return EpochFacts(number, val_nll=nll, **{**facts, **more})


def dumps(*names, **changes):
    """The heads of these losses on TEST, before and after their temperatures."""
    dump = over_confident(**changes)
    after = Recalibrated(
        "temperature", {"temperature": 1.25}, FittedOn("val.npz", None, None, 100), dump.metrics, dump.equal_width, None
    )
    return [replace(dump, name=f"{name}#test", recalibrated=after) for name in names]


SAVED = with_metric(over_confident(name="mbls(margin=6), T = 1.25 on TEST"), "ece", value=0.0512, low=0.04, high=0.06)
EPOCHS = [(epoch(1, 1.0), epoch(2, 0.75), epoch(3, 0.5)), (epoch(1, 1.5), epoch(2, 0.5)), ()]


@pytest.fixture(scope="module")
def shown():
    return render(ONE, report(*dumps("ce", "mbls(margin=6)")), SAVED, EPOCHS)


def test_the_page_is_about_the_saved_head(shown):
    page = Page(shown)
    assert page.said("h1") == [" ".join(headline(SAVED).split())]
    assert "Trained head: mbls(margin=6), chosen on VAL among 3 losses" in page.text
    assert "mbls(margin=6), T = 1.25 on TEST" in page.text
    assert paired(ONE) in page.text
    assert page.text.index("5.12") < page.text.index("after temperature")


def test_the_other_heads_come_below(shown):
    page = Page(shown)
    names = page.said("h3")
    assert names[:1] == ["ce"]
    assert "mbls(margin=6)" not in names[:1]
    assert page.text.index("The other heads") > page.text.index("The losses")


def test_the_best_is_bold_only_where_it_is_certain(shown):
    page = Page(shown)
    assert "91.00" in page.said("strong")
    assert "2.00" in page.said("u")
    assert "bold: certainly better than every other head" in page.text


def test_curves_stand_where_the_numbers_are():
    found = curves(ONE.losses, EPOCHS)
    assert [curve.name for curve in found.curves] == ["ce", "mbls(margin=6)"]
    assert [(tick.place, tick.label) for tick in found.ticks] == [("0%", "1"), ("50%", "2"), ("100%", "3")]
    ce = found.curves[0]
    loss, accuracy, ece = ce.panels
    # NLLs and losses from 0.25 to 1.5, with 6 % of that as room on both sides: 0.175 to 1.575.
    val = next(stroke for stroke in loss.strokes if stroke.kind == "val")
    places = [tuple(map(float, pair.split(","))) for pair in val.lines[0].split()]
    assert [x for x, _ in places] == [0.0, 50.0, 100.0]
    assert [y for _, y in places] == pytest.approx([100 * (1.575 - nll) / 1.4 for nll in (1.0, 0.75, 0.5)], abs=0.01)
    assert ece.ticks[0].place == "100%"
    assert (ce.chosen, ce.epoch) == ("100%", 3)
    assert accuracy.strokes[0].lines


def test_all_losses_have_the_same_axes():
    first, second = curves(ONE.losses, EPOCHS).curves
    assert [panel.ticks for panel in first.panels] == [panel.ticks for panel in second.panels]


def test_a_training_loss_of_another_size_is_cut_and_told(shown):
    huge, tiny = ([(epoch(1, 1.0, train_loss=size), epoch(2, 0.5)), (), ()] for size in (1e6, -1e6))
    assert curves(ONE.losses, huge).cut
    assert curves(ONE.losses, tiny).cut
    assert not curves(ONE.losses, EPOCHS).cut
    assert "beyond the axis are cut" in Page(render(ONE, report(*dumps("ce", "mbls(margin=6)")), SAVED, huge)).text
    assert "beyond the axis are cut" not in Page(shown).text


def test_missing_numbers_interrupt_a_curve():
    own = tuple(epoch(n, 1 / n, val_ece=None if n == 3 else 0.1) for n in range(1, 5))
    (ece,) = curves(ONE.losses[:1], [own]).curves[0].panels[2].strokes
    assert (len(ece.lines), len(ece.dots)) == (1, 1)


def test_one_epoch_is_a_dot():
    found = curves(ONE.losses[:1], [(epoch(1, 0.5),)])
    assert [stroke.lines for stroke in found.curves[0].panels[0].strokes] == [(), (), ()]
    assert found.curves[0].panels[1].strokes[0].dots[0].place == "50%"


def test_the_numbers_of_the_curves_are_a_table(shown):
    text = Page(shown).text
    assert "3 (kept) 0.5 0.5 0.25 50.00 10.00" in text
    assert "1 1.5 1.5 0.75 50.00 10.00" in text


@pytest.mark.parametrize("count", [MOST_EPOCHS, MOST_EPOCHS + 1])
def test_of_many_epochs_every_second_is_shown_and_the_kept_one(count):
    losses = [LossResult("ce", {}, (replace(head(0, 0.9, 0.1, 0.5), epoch=4),))]
    found = curves(losses, [tuple(epoch(n, 1.0) for n in range(1, count + 1))])
    numbers = [int(row[0]) for row in found.curves[0].rows]
    assert numbers[:4] == ([1, 2, 3, 4] if count == MOST_EPOCHS else [1, 3, 4, 5])
    assert numbers[-1] == count
    assert found.step == (1 if count == MOST_EPOCHS else 2)


def test_without_a_history_there_are_no_curves():
    assert (
        "How they were trained"
        not in Page(render(ONE, report(*dumps("ce", "mbls(margin=6)")), SAVED, [(), (), ()])).text
    )


def test_one_loss_has_no_other_heads():
    one = table(LossResult("ce", {}, (head(0, 0.9, 0.06, 0.4),)))
    page = Page(render(one, report(*dumps("ce")), SAVED, [EPOCHS[0]]))
    assert "The other heads" not in page.text
    assert "The loss" in page.said("h2")


def test_the_deployed_head_comes_first():
    difference = Difference("nll", 0.5, 0.4, -0.1, -0.12, -0.08, 1e-9, 0.01)
    pair = LossPair("mbls(margin=6)", DEPLOYED, True, {"nll": difference})
    numbers = head(0, 0.85, 0.2, 0.9, after=0.5)
    found = replace(ONE, deployed=DeployedHead({}, 0.5, 2.5, numbers.before, numbers.after, pair))
    page = Page(render(found, report(*dumps(DEPLOYED, "ce", "mbls(margin=6)")), SAVED, EPOCHS))
    assert "The heads" in page.said("h2")
    assert page.said("h3")[:2] == [DEPLOYED, "ce"]
    assert page.text.index(against_deployed(found)) < page.text.index(paired(found))
    assert f"before accuracy ECE AECE CWCE NLL {DEPLOYED} 85.00 20.00" in page.text


def test_ids_are_unique_and_references_lead_somewhere(shown):
    page = Page(shown)
    ids = page.values("id")
    assert len(ids) == len(set(ids))
    for name in ("aria-labelledby", "href"):
        for value in page.values(name):
            for reference in value.split() if name != "href" else [value]:
                assert reference.removeprefix("#") in ids or reference == "data:,"
    assert {*re.findall(r"url\(#([^)]*)\)", shown)} <= {*ids}


@pytest.mark.parametrize("name", [name for name in HOSTILE if name.strip() and "\ud800" not in name])
def test_hostile_losses_do_not_change_the_structure(name):
    pages = []
    for called in (name, "x"):
        losses = (ONE.losses[0], replace(ONE.losses[1], name=called), ONE.losses[2])
        pairs = tuple(replace(pair, candidate="ce", base=called) for pair in ONE.pairs)
        found = replace(ONE, losses=losses, pairs=pairs)
        pages.append(Page(render(found, report(*dumps("ce", called)), SAVED, EPOCHS)))
    assert pages[0].elements == pages[1].elements
