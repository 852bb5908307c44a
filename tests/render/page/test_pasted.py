"""The next step on a page: a sentence, and a command that can be copied."""

from __future__ import annotations

import re
import shlex
from html import unescape

import pytest

from calibeval.render.page.page import render
from calibeval.words.next_step import Step, quoted
from tests.render.hand_made import over_confident, report, without_breaks


@pytest.mark.parametrize("name", ["a.npz#val", "my predictions.npz", "it's <b>.npz", "a;rm -r.npz"])
def test_the_command_on_a_page_is_the_command(name):
    command = f"calibeval report {quoted(name)} --cross-fit 5"
    page = without_breaks(render(report(over_confident()), step=Step("repair it", command)))
    (shown,) = re.findall(r"<code>(.*?)</code>", page, re.DOTALL)
    text = unescape(re.sub("<[^>]*>", "", shown)).strip()
    assert text == command
    assert shlex.split(text) == ["calibeval", "report", name, "--cross-fit", "5"]
    assert "Next: repair it" in page


def test_a_step_without_a_command_is_a_sentence():
    page = render(report(over_confident()), step=Step("more rows", None))
    assert "Next: more rows</p>" in page
    assert "<code>" not in page
