"""Messages name options as the command line has them; who calls from Python is told the keywords in their place."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from contextlib import contextmanager

from calibeval.core.errors import CalibevalError

# What a person has to write in Python in place of an option without a value.
SWITCHES = {
    "allow-leak": "allow_leak=True",
    "amp": "amp=True",
    "base": "base=...",
    "drop-duplicates": "drop_duplicates=True",
    "init": "calibeval gate --init",
    "json": "to_json()",
    "no-crc": "checksums=False",
    "no-intervals": "level=None",
    "overwrite": "overwrite=True",
    "plan": "calibeval.plan",
    "renormalize": "renormalize=True",
    "resume": "resume=True",
    "tune": "tune=True",
}
NUMBERS = (
    *("batch-size", "bins", "clip", "clip-norm", "cross-fit", "epochs", "hidden", "ignore-index", "jobs", "level"),
    *("lr", "max-bytes", "max-memory", "min-rows", "mixup", "patience", "seed", "seeds", "trials", "weight-decay"),
)
NAMES = (
    *(
        "background",
        "baseline",
        "blocks",
        "columns",
        "convention",
        "device",
        "engine",
        "fit-on",
        "group",
        "head",
        "index",
        "kind",
        "labels",
        "layout",
        "rank",
        "reference",
        "rows",
    ),
    *("method", "metrics", "decide", "on-inconclusive", "objective", "optimizer", "positive", "preset", "read-as"),
    *("images", "schedule", "show", "spacing", "temperature", "tune-on", "labels-are", "decimal", "normalize"),
    *("gold", "missing-confidence", "confidence-unit", "confidence-means"),
    *("features-key", "ids-key", "labels-key", "logits-key", "probs-key"),
)
LISTS = {
    "class": "classes",
    "class-names": "class_names",
    "loss": "losses",
    "score-columns": "score_columns",
    "slice": "slices",
}
LIMITS = ("max", "min", "max-increase", "max-drop")  # of a gate: --max ece=0.03

# Compiled when they are first needed: few calls say anything.
_NUMBER = r" (-?\d(?:[\d.e+-]*\d)?)"
_NO_VALUE = r"(?!(?:or|and|to|for|in|of|is|names|contradict|both|cannot|must)\b)"
_NAME = rf" ({_NO_VALUE}[\w./#=:-]*\w)"
_ROLE = r" (\w+)(?:=(\w+))?"
_LIMIT = r" (\w+)=([\d.]*\d)"
_LIST = rf" (?P<q>')?(?P<list>{_NO_VALUE}[\w.*!?/#,-]*[\w*])(?(q)')"
_WHAT = r" (names|positions)\b"
_SIGN = r" ([,.])(?!\w)"
_COMMAND = r"calibeval report (?=\S.* --)(.+)\Z"
_FLAG = r"(?<![\w-])(?<!gate )--([a-z]+(?:-[a-z]+)*)"


def in_python(text: str) -> str:
    """A message with the keywords of Python in place of the options of the command line.

    >>> in_python("Say --kind probs, or --allow-leak; start again without --resume.")
    'Say kind="probs", or allow_leak=True; start again without resume=True.'
    >>> in_python("add up to 1: calibeval report h.csv --score-columns p0,p1 --kind probs")
    'add up to 1: calibeval.evaluate("h.csv", score_columns=["p0", "p1"], kind="probs")'
    >>> in_python("Name one with --logits-key or --key log_probs=NAME, or say --ignore-index -1.")
    'Name one with logits_key or key={"log_probs": "NAME"}, or say ignore_index=-1.'
    """
    command = re.search(_COMMAND, text, re.DOTALL)
    if command is not None:
        return in_python(text[: command.start()]) + _call(shlex.split(command[1]))
    parts, place = [], 0
    for flag in re.finditer(_FLAG, text):
        if flag.start() >= place:
            keyword, end = _keyword(flag[1], text, flag.end())
            parts += [text[place : flag.start()], keyword]
            place = end
    return "".join([*parts, text[place:]])


@contextmanager
def spoken() -> Iterator[None]:
    """Errors that pass here name keywords."""
    try:
        yield
    except CalibevalError as error:
        if len(error.args) == 1 and "--" in str(error):
            error.args = (in_python(str(error)),)
        raise


def _call(words: list[str]) -> str:
    """A proposed command, whose options all have values, as a call."""
    given: dict[str, str] = {}
    roles: dict[str, str] = {}
    for flag, value in zip(words[1::2], words[2::2], strict=True):
        name = flag.removeprefix("--")
        if name == "key":
            role, _, array = value.partition("=")
            roles[role] = array
        else:
            given[name.replace("-", "_")] = _list(value) if name in LISTS else _text(value)
    if roles:
        given["key"] = f"{{{', '.join(f'{_text(role)}: {_text(array)}' for role, array in roles.items())}}}"
    return f"calibeval.evaluate({', '.join([_text(words[0]), *(f'{name}={value}' for name, value in given.items())])})"


def _list(value: str) -> str:
    """What a list that was written with commas is in Python."""
    return f"[{', '.join(map(_text, value.split(',')))}]"


def _text(value: str) -> str:
    return f'"{value}"'


def _keyword(flag: str, text: str, end: int) -> tuple[str, int]:
    """What stands for an option whose value, if it has one, begins at `end`; and where that ends."""
    name = flag.replace("-", "_")
    if flag in SWITCHES:
        return SWITCHES[flag], end
    if flag in NUMBERS:
        value = _at(_NUMBER, text, end)
        return (name, end) if value is None else (f"{name}={value[1]}", value.end())
    if flag == "decimal" and (sign := _at(_SIGN, text, end)) is not None:
        return f'decimal="{sign[1]}"', sign.end()
    if flag == "spacing" and (sizes := _at(_LIST, text, end)) is not None:
        return f'spacing="{sizes["list"]}"', sizes.end()
    if flag in NAMES:
        value = _at(_WHAT if flag == "labels-are" else _NAME, text, end)
        return (name, end) if value is None else (f'{name}="{value[1]}"', value.end())
    if flag in LISTS:
        value = _at(_LIST, text, end)
        shown = "" if value is None else "=[...]" if value["list"] == "FILE" else f"={_list(value['list'])}"
        return LISTS[flag] + shown, end if value is None else value.end()
    if flag == "key" and (role := _at(_ROLE, text, end)) is not None:
        return f'key={{"{role[1]}": {"..." if role[2] is None else chr(34) + role[2] + chr(34)}}}', role.end()
    if flag in LIMITS and (limit := _at(_LIMIT, text, end)) is not None:
        return f'{{"metric": "{limit[1]}", "{name}": {limit[2]}}}', limit.end()
    return (name, end) if flag in ("key", *LIMITS) else (f"--{flag}", end)


def _at(pattern: str, text: str, place: int) -> re.Match[str] | None:
    return re.compile(pattern).match(text, place)
