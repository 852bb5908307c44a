"""A verdict for GitHub Actions: annotations as workflow commands, the summary of the step, its outputs.

An annotation is a line that the runner reads from the output of a step. GitHub shows only 10 of each kind for a step,
so the tenth says how many more there are.
"""

from __future__ import annotations

from calibeval.core.gating.verdict import Verdict
from calibeval.render.ci import markdown as gate_markdown
from calibeval.words.cells import plural
from calibeval.words.verdict import Line, conclusion, rule_lines, warning_lines

MOST_ANNOTATIONS = 10
# The summary of a step may have 1 MiB; a character has 4 bytes at most.
MOST_SUMMARY = 2**20 // 4

_TITLES = {
    "fail": "calibeval gate failed",
    "error": "calibeval gate could not evaluate a rule",
    "inconclusive": "calibeval gate is inconclusive",
}


def workflow_commands(verdict: Verdict) -> str:
    """One workflow command for each rule that did not pass, as error, warning or notice, then one for each warning.

    Empty if all rules passed without a warning. Warnings that do not fit among the annotations are in the summary.
    """
    found: dict[str, list[str]] = {"error": [], "warning": [], "notice": []}
    for line in rule_lines(verdict):
        kind = _kind(line)
        if kind is not None:
            title = _TITLES[line.judged.verdict]
            message = "\n".join((line.sentence, *line.why))
            found[kind].append(f"::{kind} title={_property(title)}::{_data(message)}\n")
    shown = {kind: _within_limit(kind, commands) for kind, commands in found.items()}
    room = MOST_ANNOTATIONS - len(shown["warning"])
    told = warning_lines(verdict)[:room]
    shown["warning"] += [f"::warning title=calibeval gate warning::{_data(text)}\n" for text in told]
    return "".join(command for commands in shown.values() for command in commands)


def summary(verdict: Verdict) -> str:
    """What is appended to the file that GITHUB_STEP_SUMMARY names."""
    return gate_markdown.render(verdict, MOST_SUMMARY) + "\n"


def outputs(verdict: Verdict) -> str:
    """What is appended to the file that GITHUB_OUTPUT names; it holds no foreign text."""
    lines = {"verdict": verdict.verdict, "exit-code": int(verdict.exit_code), "conclusion": conclusion(verdict)}
    return "".join(f"{name}={value}\n" for name, value in lines.items())


def _kind(line: Line) -> str | None:
    rule = line.judged
    if rule.verdict in ("pass", "off"):
        return None
    if not rule.blocks:
        return "warning"
    if rule.verdict == "inconclusive":
        return {"fail": "error", "warn": "warning", "pass": "notice"}[rule.on_inconclusive]
    return "error"


def _within_limit(kind: str, commands: list[str]) -> list[str]:
    if len(commands) <= MOST_ANNOTATIONS:
        return commands
    left = len(commands) - MOST_ANNOTATIONS + 1
    more = f"::{kind} title=calibeval gate::{plural(left, 'more rule')}: see the log or the summary\n"
    return [*commands[: MOST_ANNOTATIONS - 1], more]


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
