"""What a command can do, Python can: each option of each command has a keyword, or a reason why not."""

import inspect
from typing import get_type_hints

import pytest
import typer.main

import calibeval
from calibeval.api import dumps
from calibeval.cli.main import program
from calibeval.readers.features.features import read_features
from calibeval.readers.open import read

RECORD = "the record that comes back: print, to_json(), save()"
TERMINAL = "about the terminal"
# Options of every command that are no keyword of any function, and why.
NOWHERE = {
    "help": TERMINAL,
    "json": RECORD,
    "help_all": TERMINAL,
    "quiet": TERMINAL,
    "debug": TERMINAL,
    "table": "tables for documents come from to_frame() or to_dict()",
    "export": "tables and files for the machines that run commands: see table",
    "no_crc": "checksums=False",
}
# Commands, the function that does the same, and what is said in another way.
COMMANDS = {
    "report": (
        calibeval.evaluate,
        {
            "dumps": "predictions",
            "out": RECORD,
            "figure": "report.figure().savefig(...)",
            "width": "report.figure(width=...)",
            "png": "report.save(..., png=True)",
            "full": TERMINAL,
            "show": "pages with single images come from the command",
            "images": "pages with single images come from the command",
            "sort": "report.sorted_by(...)",
            "saved_map": "calibeval.evaluate(calibeval.read_map(...)(predictions))",
            "no_intervals": "level=None",
            "slice": "slices",
        },
    ),
    "compare": (calibeval.compare, {"out": RECORD, "full": TERMINAL}),
    "gate": (
        calibeval.gate,
        {
            "dump": "candidate",
            "config": "rules",
            "max": "rules",
            "min": "rules",
            "max_increase": "rules",
            "max_drop": "rules",
            "slice": "slices",
            "over": "rules",
            "cells": "rules",
            "where": "rules",
            "init": "writes a file for the command to read",
            "plan": "calibeval.plan(...)",
            "out": RECORD,
            "github": "for the machines that run commands",
        },
    ),
    "fit": (calibeval.fit, {"dump": "predictions", "out": "mapping.save(...)", "jobs": "it has one thread"}),
    "apply": (
        calibeval.read,
        {
            "map_file": "calibeval.read_map(...)",
            "dump": "path",
            "out": "predictions.save(...)",
            "prior": "mapping.with_prior(...)",
            "layout": "mapping.apply_to_folder(..., layout=...)",
        },
    ),
    "inspect": (calibeval.inspect, {"dump": "path"}),
    "finetune": (calibeval.finetune, {"loss": "losses"}),
    "survey": (
        calibeval.survey,
        {
            "out": RECORD,
            "full": TERMINAL,
            "metric": TERMINAL,
            "rows": TERMINAL,
            "columns": TERMINAL,
            "no_intervals": "level=None",
            "figure": "survey.figure().savefig(...)",
            "width": "survey.figure(width=...)",
        },
    ),
    "conventions": (calibeval.conventions, {"dump": "predictions"}),
    "sums": (
        calibeval.Accumulator.read,
        {"out": "accumulator.save(...)", "min_cell": "accumulator.save(..., min_cell=...)"},
    ),
    "predict": (calibeval.predict, {"out": "predictions.save(...)"}),
}


def keywords(function):
    """The names that a function takes, those of its TypedDict of reading options too."""
    parameters = inspect.signature(function, eval_str=True).parameters
    options = parameters.get("reading")
    more = () if options is None else get_type_hints(options.annotation.__args__[0])
    return {*parameters, *more}


def commands():
    return typer.main.get_group(program()).commands


def test_every_command_has_its_function():
    assert set(COMMANDS) == set(commands())


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_has_a_keyword_or_a_reason(name):
    function, otherwise = COMMANDS[name]
    options = {one.name for one in commands()[name].params}
    assert options - keywords(function) == (options & {*otherwise, *NOWHERE}) - keywords(function)
    assert set(otherwise) <= options, "an option is gone, and its reason may go, too"


@pytest.mark.parametrize(
    ("typed", "reader", "without"),
    [
        (dumps.Reading, read, {"path", "max_memory"}),
        (dumps.FeatureReading, read_features, {"path", "max_memory", "need_labels"}),
    ],
)
def test_type_checkers_know_every_reading_option(typed, reader, without):
    assert set(get_type_hints(typed)) == set(inspect.signature(reader).parameters) - without
