"""Losses as a command line says them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calibeval.core.errors import UnknownMetric, UsageError
from calibeval.training.spec import LossSpec, parse_losses


def test_lists_are_split_outside_brackets():
    losses = parse_losses(" ce , mbls( margin = 6 , alpha=0.1),CALS(penalty='p2',normalize=False,margin=0)")
    assert [str(loss) for loss in losses] == [
        "ce",
        "mbls(margin=6,alpha=0.1)",
        "cals(penalty=p2,normalize=false,margin=0)",
    ]
    assert losses[1].parameters == {"margin": 6, "alpha": 0.1}
    assert losses[2].parameters == {"penalty": "p2", "normalize": False, "margin": 0}


def test_what_is_not_said_has_its_default():
    spec = LossSpec("mbls", {"margin": 6.0})
    assert (spec["margin"], spec["alpha"]) == (6.0, 0.1)
    assert spec.to_dict() == {"loss": "mbls", "margin": 6.0, "alpha": 0.1}
    assert "num_classes" not in LossSpec("cals").to_dict()


@given(
    st.lists(
        st.one_of(
            st.just(LossSpec("ce")),
            st.builds(lambda m, a: LossSpec("mbls", {"margin": m, "alpha": a}), st.integers(0, 40), st.integers(0, 9)),
            st.builds(lambda g: LossSpec("focal", {"gamma": g / 8}), st.integers(0, 40)),
            st.builds(lambda s: LossSpec("ls", {"spread": s}), st.sampled_from(["all", "others"])),
        ),
        min_size=1,
        unique_by=str,
    )
)
def test_what_is_written_is_read(losses):
    assert parse_losses(",".join(map(str, losses))) == tuple(losses)


KNOWN = "losses are ce, ls, ecp, focal, flsd, dual_focal, brier, mbls, acls, mdca, mbls_dice, cals, cals_hr"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("mbsl", f'loss "mbsl" is unknown (did you mean "mbls"?); {KNOWN}'),
        ("ce,", f'loss "" is unknown; {KNOWN}'),
        ("", f'loss "" is unknown; {KNOWN}'),
        ("ce,ls,ce", "loss ce is named twice"),
        ("mbls(margin=6),mbls(margin=6.0)", "loss mbls(margin=6) is named twice"),
        (
            "mbls,ce,mbls(margin=10)",
            "losses mbls and mbls(margin=10) are the same: by default, margin is 10; name only one",
        ),
        (
            "ls(alpha=0.05),ls(spread=all)",
            (
                "losses ls(alpha=0.05) and ls(spread=all) are the same: by default, alpha is 0.05, spread is all; "
                "name only one"
            ),
        ),
        (
            "mbls(margin=6,alpha=0.2),mbls(alpha=0.2,margin=6)",
            "losses mbls(margin=6,alpha=0.2) and mbls(alpha=0.2,margin=6) are the same; name only one",
        ),
        ("mbls(margn=6)", 'mbls has no parameter "margn" (did you mean "margin"?); it has margin, alpha'),
        ("ce(alpha=1)", 'ce has no parameter "alpha"; it has none'),
        ("mbls(margin)", "mbls: margin needs one value; write margin=..."),
        ("mbls(margin=1,margin=2)", "mbls: margin needs one value; write margin=..."),
        ("mbls(margin=1", 'loss "mbls(margin=1": parentheses do not match; write mbls(margin=6,alpha=0.1)'),
        ("mbls)margin=1(", 'loss "mbls)margin=1(": parentheses do not match; write mbls(margin=6,alpha=0.1)'),
        ("mbls((margin=1))", 'loss "mbls((margin=1))": parentheses do not match; write mbls(margin=6,alpha=0.1)'),
        ("mbls(margin=6)x", 'loss "mbls(margin=6)x" cannot be read; write it as mbls(margin=6,alpha=0.1)'),
        ("mbls(margin=-1)", "loss mbls(margin=-1): margin: -1, expected a number of at least 0, and finite"),
        ("mbls(margin=nan)", "loss mbls(margin=nan): margin: nan, expected a number of at least 0, and finite"),
        ("mbls(margin=true)", "loss mbls(margin=true): margin: bool True, expected a number"),
        ("ls(alpha=2)", "loss ls(alpha=2): alpha: 2, expected a number from 0 to 1"),
        (
            "cals(margin=0)",
            "loss cals(margin=0): margin: 0 cannot be normalized; expected a margin above 0, or normalize=False",
        ),
        (
            "cals(penalty=p9)",
            'loss cals(penalty=p9): penalty: \'p9\', expected one of "phr", "p2", "p3" (did you mean "p3"?)',
        ),
    ],
)
def test_what_cannot_be_is_refused(text, message):
    with pytest.raises(UsageError) as error:
        parse_losses(text)
    assert str(error.value) == message


def test_losses_that_differ_in_one_parameter_are_several():
    text = "mbls(margin=10),mbls(margin=9),mbls(margin=10,alpha=0.2)"
    assert [str(loss) for loss in parse_losses(text)] == text.replace("),", ") ").split()


def test_a_default_written_out_is_another_loss_where_the_parameter_would_be_searched():
    assert [str(loss) for loss in parse_losses("mbls,mbls(margin=10)", tuned=True)] == ["mbls", "mbls(margin=10)"]
    with pytest.raises(UsageError, match=r"^loss mbls is named twice$"):
        parse_losses("mbls,mbls", tuned=True)
    with pytest.raises(UsageError, match=r"^losses mbls\(margin=6,alpha=1\) and .* are the same; name only one$"):
        parse_losses("mbls(margin=6,alpha=1),mbls(alpha=1,margin=6)", tuned=True)


def test_the_number_of_classes_is_not_said():
    with pytest.raises(UsageError, match='cals has no parameter "num_classes"'):
        parse_losses("cals(num_classes=3)")


def test_an_unknown_loss_is_a_key_error_as_an_unknown_metric():
    with pytest.raises(UnknownMetric) as caught:
        parse_losses("xx")
    assert isinstance(caught.value, KeyError)
    assert isinstance(caught.value, UsageError)
