"""docs/reference/metrics.md describes every metric of the table, with its title, range and source."""

import re
from pathlib import Path

import pytest

from calibeval.core.metrics.table import EVERY

PAGE = (Path(__file__).parents[2] / "docs/reference/metrics.md").read_text(encoding="utf-8")
SECTIONS = {part.split("\n", 1)[0]: part for part in PAGE.split("\n## ")[1:]}
RANGE = re.compile(
    r"\*\*Range\*\*: (?:any real number|(?P<low>\S+) (?:to (?P<high>[^\s,]+)|upwards)), (?P<better>[a-z ]+)"
)
BETTER = {"lower": "lower is better", "higher": "higher is better", "zero": "best at zero", "one": "best at one"}


def test_sections_come_in_the_order_of_the_table():
    assert [name for name in SECTIONS if name in EVERY] == list(EVERY)


def test_no_section_is_about_a_metric_that_is_gone():
    assert [name for name in SECTIONS if re.fullmatch("[a-z_]+", name) and name not in EVERY] == []


@pytest.mark.parametrize("spec", EVERY.values(), ids=EVERY)
def test_a_section_agrees_with_the_table(spec):
    section = SECTIONS[spec.name]
    assert f"\n*{spec.title}*\n" in section
    found = RANGE.search(section)
    assert found is not None
    assert float(found["low"] or "-inf") == spec.least
    assert (None if found["high"] is None else float(found["high"].rstrip("."))) == spec.most
    assert found["better"] == BETTER[spec.better]
    for part in ("**Formula**", "**Cannot see**", "**Do not use it** ", "**Floor**", "nterval"):
        assert part in section


def test_the_table_of_questions_names_metrics():
    table = SECTIONS["Which metric for which question"]
    rows = [line.split(" | ") for line in table.splitlines() if line.startswith("| ")][1:]
    assert len(rows) > 9
    for _, use, _ in rows:
        assert re.search("`|diagram", use)
    named = set(re.findall("`([^`]+)`", table))
    assert named <= {*EVERY}
    # Those that are left out are parts of others, or nearly the same as another one.
    left = {*EVERY} - named
    assert left <= {
        *("aece", "rmsce", "rmsce_debiased", "ks", "dsc", "unc", "mcb_log", "dsc_log", "unc_log", "e50"),
        *("cwce_adaptive", "tace_kept", "coverage@error=0.01", "citl"),
    }


@pytest.mark.parametrize("spec", EVERY.values(), ids=EVERY)
def test_a_section_cites_the_source_of_the_table(spec):
    said = " ".join(SECTIONS[spec.name].split())
    for cited in spec.source.removeprefix("interval: ").split("; "):
        assert cited in said


@pytest.mark.parametrize("spec", EVERY.values(), ids=EVERY)
def test_a_floor_is_denied_only_where_the_table_has_none(spec):
    denied = "**Floor**: none" in SECTIONS[spec.name]
    assert denied == (not spec.has_floor)
