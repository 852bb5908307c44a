"""Help texts name what the tables have, and need no heavy package for it."""

from __future__ import annotations

import re

import pytest

from calibeval.cli.options import choices
from calibeval.core.metrics.requested import REQUESTED
from calibeval.core.metrics.table import METRICS
from calibeval.losses.table import LOSS_TABLE
from calibeval.recalibrate.fitting.methods import METHODS
from calibeval.recalibrate.temperature.objectives import OBJECTIVES
from calibeval.render.tables.losses import LOSS_TABLES
from calibeval.training.settings import HEADS, OPTIMIZERS, SCHEDULES, SCORES
from tests.cli.invoking import python, run
from tests.cli.test_main import loaded


@pytest.mark.parametrize(
    ("names", "table"),
    [
        (choices.METHODS, METHODS),
        (choices.METRICS, METRICS),
        (choices.REQUESTED, REQUESTED),
        (choices.OBJECTIVES, OBJECTIVES),
        (choices.LOSSES, LOSS_TABLE),
        (choices.TABLE_FORMATS, LOSS_TABLES),
    ],
    ids=["methods", "metrics", "metrics on request", "objectives", "losses", "formats of losses"],
)
def test_names_are_those_of_the_table(names, table):
    assert names == (*table,)


@pytest.mark.parametrize(
    ("command", "option", "table"),
    [
        ("fit", "--objective", OBJECTIVES),
        ("finetune", "--head", HEADS),
        ("finetune", "--optimizer", OPTIMIZERS),
        ("finetune", "--lr", OPTIMIZERS),
        ("finetune", "--schedule", SCHEDULES),
        ("finetune", "--tune-on", SCORES),
        ("finetune", "--format", LOSS_TABLES),
    ],
)
def test_help_names_every_entry(capsys, command, option, table):
    text = re.sub(r"-\n +", "-", run(capsys, command, "--help-all").out)  # words that were broken at a hyphen
    line = text.partition(f"  {option} ")[2].partition("\n  -")[0]
    assert [name for name in table if name not in line] == []


@pytest.mark.parametrize("command", ["fit", "report"])
def test_help_names_every_map_below_the_options(capsys, command):
    paragraph = run(capsys, command, "--help-all").out.partition("\nMaps: ")[2].partition("\n\n")[0]
    assert re.split(r",\s+(?:or )?", paragraph)[:-1] == [*METHODS, "auto"]


def test_help_names_every_loss_below_the_options(capsys):
    paragraph = run(capsys, "finetune", "--help-all").out.partition("\nLosses: ")[2].partition(";")[0]
    assert re.split(r",\s+", paragraph) == [*LOSS_TABLE]


@pytest.mark.parametrize("command", ["fit", "apply", "finetune", "predict"])
def test_the_help_of_a_command_imports_nothing_heavy(command):
    code = "import sys; from calibeval.cli.main import main; main(sys.argv[1:]); print(*sys.modules)"
    assert loaded(python(code, command, "--help")) == []
