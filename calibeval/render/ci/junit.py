"""A verdict as a JUnit test report, which every CI service shows: one test case for each rule."""

from __future__ import annotations

from xml.etree import ElementTree as ET  # only written here, never read

from calibeval.core.gating.ruling import RuleVerdict
from calibeval.core.gating.verdict import Verdict
from calibeval.words.rules import harmless
from calibeval.words.verdict import compared, conclusion, rule_lines, rules_from, warning_lines

_CLASS = "calibeval.gate"


def render(verdict: Verdict) -> str:
    """The report. A rule that blocks is a failure, or an error where it could not be evaluated.

    Rules that do not block are skipped, with the reason: rules of severity warn that did not pass, rules that are off,
    and inconclusive ones that on_inconclusive allows. Warnings about the dump are in system-err. There are no times, so
    the same verdict gives the same text.
    """
    suites = ET.Element("testsuites")
    suite = ET.SubElement(suites, "testsuite", name=f"calibeval gate: {harmless(str(verdict.dump['name']))}")
    names: dict[str, int] = {}
    counts = {"failure": 0, "error": 0, "skipped": 0}
    for line in rule_lines(verdict):
        names[line.asked] = names.get(line.asked, 0) + 1
        twin = f" ({names[line.asked]})" if names[line.asked] > 1 else ""
        case = ET.SubElement(suite, "testcase", classname=_CLASS, name=line.asked + twin)
        tag = outcome_tag(line.judged)
        if tag is not None:
            counts[tag] += 1
            result = ET.SubElement(case, tag, message=line.sentence)
            if tag != "skipped":
                result.set("type", line.judged.verdict)
            result.text = "\n".join((line.sentence, *line.why))
        else:
            ET.SubElement(case, "system-out").text = line.sentence
    totals = {"failures": counts["failure"], "errors": counts["error"], "skipped": counts["skipped"]}
    for element in (suites, suite):
        for key, count in {"tests": len(verdict.rules), **totals}.items():
            element.set(key, str(count))
    title = " · ".join(part for part in (compared(verdict), rules_from(verdict)) if part)
    ET.SubElement(suite, "system-out").text = f"{title}\n{conclusion(verdict)}"
    warnings = warning_lines(verdict)
    if warnings:
        ET.SubElement(suite, "system-err").text = "\n".join(f"warning: {text}" for text in warnings)
    ET.indent(suites, " ")
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(suites, encoding="unicode") + "\n"


def outcome_tag(rule: RuleVerdict) -> str | None:
    """How a test report shows a rule: as failure, error or skipped; None for a pass."""
    if rule.verdict == "pass":
        return None
    if not rule.blocks or rule.verdict == "off":
        return "skipped"
    if rule.verdict == "inconclusive":
        return "failure" if rule.stops else "skipped"
    return "error" if rule.verdict == "error" else "failure"
