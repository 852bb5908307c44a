"""Breaks in names: after separators, never inside a number, and the name stays what it is."""

from __future__ import annotations

import re
from html import escape, unescape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calibeval.render.page.breaks import LONG, SHORT, breakable
from tests.render.hand_made import HOSTILE

PLACE = re.compile('<wbr>|<span class="(?:long|whole)">|</span>')


def broken(name, tag="bdi"):
    return breakable(f"<{tag}>{escape(name)}</{tag}>").removeprefix(f"<{tag}>").removesuffix(f"</{tag}>")


@pytest.mark.parametrize(
    ("name", "pieces"),
    [
        ("runs/resnet_20-final.npz#test", ["runs/", "resnet_", "20-", "final.", "npz#", "test"]),
        ("cals(margin=6,rho=1e+06)", ["cals(margin=", "6,", "rho=", "1e+06)"]),
        ("self-supervised--vit", ["self-", "supervised--", "vit"]),
        ("12,345,678,901,234.5", ["12,345,678,901,234.5"]),
        ("2024-01-05-night", ["2024-01-05-", "night"]),
        ("C:\\of the lot\\everything.npz", ["C:\\of the lot\\", "everything.", "npz"]),
    ],
)
def test_names_break_after_separators_and_not_in_numbers(name, pieces):
    assert re.sub("</?span[^>]*>", "", unescape(broken(name))).split("<wbr>") == pieces


@pytest.mark.parametrize("count", [SHORT, SHORT + 1])
def test_short_words_stay_whole(count):
    word = "a-" + "b" * (count - 2)
    assert ("<wbr>" in broken(word)) == (count > SHORT)


@pytest.mark.parametrize("count", [LONG, LONG + 1])
def test_only_long_parts_break_anywhere(count):
    word = f"{'a' * (count - 1)}/b"
    assert ('<span class="long">' in broken(word)) == (count > LONG)
    assert broken(word).endswith("<wbr>b")


@given(st.text(st.characters(exclude_categories=["C"]) | st.sampled_from("<>&'\"/_-.#1e, "), max_size=80))
def test_the_name_is_the_same(name):
    assert unescape(PLACE.sub("", broken(name))) == unescape(escape(name))


@pytest.mark.parametrize("name", [name for name in HOSTILE if "\ud800" not in name])
def test_hostile_names_stay_names(name):
    assert "<" not in PLACE.sub("", broken(name))


@pytest.mark.parametrize(("name", "whole"), [("0.20-0.49", True), ("a-b", False), ("2-b", False)])
def test_ranges_of_numbers_stay_whole(name, whole):
    assert ('<span class="whole">' in broken(name)) == whole


def test_only_names_and_the_first_heading_have_breaks():
    assert "<wbr>" in broken("runs/resnet_20-final.npz", "h1")
    assert broken("runs/resnet_20-final.npz", "td") == "runs/resnet_20-final.npz"
