"""What people and services read of a verdict: every line follows from numbers that stand here."""

from __future__ import annotations

import re
import tomllib
from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest

from calibeval.core.data.notices import warning
from calibeval.core.gating.movers import Part
from calibeval.core.gating.rules import GateSettings, Rule
from calibeval.core.gating.ruling import Judged, RuleVerdict, Trial, Why
from calibeval.core.gating.verdict import Verdict
from calibeval.core.report.settings import Settings
from calibeval.render.ci import github as gate_github
from calibeval.render.ci import junit as gate_junit
from calibeval.render.ci import markdown as gate_markdown
from calibeval.render.ci.toml import quoted
from calibeval.render.page import page as html
from calibeval.render.terminal import verdict as gate_terminal
from calibeval.words.rules import asked, harmless
from calibeval.words.verdict import conclusion, rule_lines
from calibeval.words.why import why_lines
from tests.render.hand_made import HOSTILE, over_confident, report


def part(verdict, value, low, high, reason="", slice_=None, n=5000, **more):
    facts = {"centre": value, "baseline": None, "threshold": None, **more}
    return Judged(slice_, n, value, low, high, verdict=verdict, reason=reason, **facts)


def ruled(rule, verdict, value, low, high, reason, *, slice_=None, n=5000, why=None):
    decisive = part(verdict, value, low, high, reason, slice_, n)
    return RuleVerdict(rule, verdict, reason, decisive, why=why)


WHY = Why(
    change=True,
    parts=(Part("bin", "0.93 – 1.00", 0.62, 0.3, 0.0, 1536, 0.21),),
    temperature=Trial(0.6, False, "fail", 0.012, 0.028, 0.02, 1.43, None, 0.975),
)
SAID = (
    "bin 0.93 – 1.00 (1,536 rows, gap +21.0): 62 % of the change, 30 % of the rows",
    "a temperature of 1.43 would not repair it: NLL change +0.020 nats [+0.012, +0.028] at 97.5 %",
)
ALL = (
    ruled(Rule("accuracy", "min", 0.9), "pass", 0.912, 0.906, 0.918, "interval within the limit"),
    ruled(Rule("nll", "max_increase", 0.01), "fail", 0.031, 0.022, 0.04, "interval beyond the limit", why=WHY),
    ruled(
        Rule("ece", "max", 0.03, slice="worst"),
        "inconclusive",
        0.028,
        0.014,
        0.044,
        "about 3,900 rows would decide (worst of 2 slices)",
        slice_="light=night",
        n=640,
    ),
    ruled(Rule("accuracy", "max_drop", 0.005), "pass", -0.0031, -0.0048, -0.0014, "interval within the limit"),
    ruled(Rule("cwce", "max", 0.002, "warn"), "fail", 0.00567, 0.004, 0.007, "interval beyond the limit"),
    RuleVerdict(Rule("brier", "max", 0.5, "off"), "off", "switched off", None),
)
BASE = {"name": "main.npz"}


def verdict(*rules, baseline=BASE, by="id", name="cand.npz", **settings):
    return Verdict("0", GateSettings(**settings), Settings(), "calibeval.toml", {"name": name}, baseline, by, rules)


@pytest.mark.parametrize(
    ("one", "said"),
    [
        (
            ("class", "churned", 0.7, 0.1, 0.0, 980, 0.48),
            "rows labelled churned (980 rows, confidence 48.0 points above accuracy)",
        ),
        (("class", "cat", 0.7, 0.1, 0.0, 1, -0.021), "rows labelled cat (1 row, confidence 2.1 points below accuracy)"),
        (("class", "cat", 0.7, 0.1, 0.0, 90, 0.0), "rows labelled cat (90 rows, confidence equal to accuracy)"),
        (("class", "cat", 0.7, 0.1, 0.0, 90, None), "class cat (90 rows)"),
        (("light", "night", 0.7, 0.1, 0.0, 90, 0.08), "light=night (90 rows, gap +8.0)"),
    ],
)
def test_only_a_part_that_is_no_label_has_a_gap(one, said):
    why = Why(False, (Part(*one),), None)
    (line,) = why_lines(RuleVerdict(Rule("ece", "max", 0.03), "fail", "", None, why=why))
    assert line == f"{said}: 70 % of the error, 10 % of the rows"


def test_one_line_for_each_rule():
    shown = gate_terminal.render(verdict(*ALL), width=None, color=False, ascii_only=False)
    assert shown == (
        "cand.npz, baseline main.npz (paired by id) · rules: calibeval.toml\n"
        "\n"
        "pass          accuracy ≥ 90.00 %               91.20  [90.6, 91.8]      interval within the limit\n"
        "FAIL          NLL change ≤ +0.01 nats         +0.031  [+0.022, +0.040]  interval beyond the limit\n"
        f"              {SAID[0]}\n"
        f"              {SAID[1]}\n"
        "inconclusive  ECE ≤ 3.00 % in worst slice       2.80  [1.4, 4.4]        light=night, n = 640; "
        "about 3,900 rows would decide (worst of 2 slices)\n"
        "pass          accuracy change ≥ −0.50 points   −0.31  [−0.48, −0.14]    interval within the limit\n"
        "warning       CWCE ≤ 0.20 %                    0.567  [0.40, 0.70]      interval beyond the limit; "
        "does not block\n"
        "off           Brier ≤ 0.5                                               switched off\n"
        "\n"
        "FAILED: 1 of 4 blocking rules (1 inconclusive); 1 warning · exit 1\n"
    )


def test_an_unusual_level_stands_in_the_reason():
    other = replace(ALL[0], decisive=replace(ALL[0].decisive, interval_level=0.9))
    shown = gate_terminal.render(verdict(other), width=None, color=False, ascii_only=False)
    assert "pass  accuracy ≥ 90.00 %  91.20  [90.6, 91.8]  90 % interval within the limit\n" in shown


def test_a_narrow_terminal_wraps_reasons():
    shown = gate_terminal.render(verdict(*ALL), width=80, color=False, ascii_only=False)
    assert max(map(len, shown.splitlines())) <= 80
    assert "\n              light=night, n = 640; about 3,900 rows would decide" in shown
    assert shown.split() == gate_terminal.render(verdict(*ALL), width=None, color=False, ascii_only=False).split()


def test_ascii_is_aligned_and_ascii():
    shown = gate_terminal.render(verdict(*ALL), width=None, color=False, ascii_only=True)
    assert shown.isascii()
    assert "accuracy >= 90.00 %" in shown
    assert len({line.index("interval") for line in shown.splitlines() if "interval within" in line}) == 1


def test_colour_repeats_words():
    shown = gate_terminal.render(verdict(*ALL), width=None, color=True, ascii_only=False)
    assert "\x1b[1;38;5;160mFAIL        \x1b[0m" in shown
    plain = gate_terminal.render(verdict(*ALL), width=None, color=False, ascii_only=False)
    assert re.sub(r"\x1b\[[\d;]*m", "", shown) == plain


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (Rule("ece", "max", 0.0123), "ECE ≤ 1.23 %"),
        (Rule("ece", "max", 0.07), "ECE ≤ 7.00 %"),
        (Rule("cwce", "max", 0.000123), "CWCE ≤ 0.0123 %"),
        (Rule("nll", "max", 0.5), "NLL ≤ 0.5 nats"),
        (Rule("brier", "max_increase", 0.01), "Brier change ≤ +0.01"),
        (Rule("nll", "max_increase", 0.02, relative=True), "NLL change ≤ +2 % of baseline"),
        (Rule("confidence_gap", "max", 0.02), "|gap| ≤ 2.00 %"),
        (Rule("confidence_gap", "max_increase", 0.02), "|gap| change ≤ +2.00 points"),
        (Rule("ece", "max", 0.03, slice="light=night"), "ECE ≤ 3.00 % in light=night"),
        (Rule("ece", "max", 0.03, slice="worst:light"), "ECE ≤ 3.00 % in worst slice of light"),
    ],
)
def test_rules_in_words(rule, words):
    assert asked(RuleVerdict(rule, "off", "", None)) == words


@pytest.mark.parametrize(
    ("rules", "settings", "words"),
    [
        (ALL[:1], {}, "PASSED: 1 rule"),
        (ALL[:2], {}, "FAILED: 1 of 2 rules"),
        (ALL[2:3], {}, "INCONCLUSIVE: 1 of 1 rule"),
        (
            [replace(ALL[2], on_inconclusive="warn")],
            {},
            'INCONCLUSIVE: 1 of 1 rule; allowed by on_inconclusive = "warn"',
        ),
        (
            [ruled(Rule("nll", "max", 1.0), "error", None, None, None, "infinite"), ALL[2]],
            {},
            "NOT EVALUATED: 1 of 2 rules (1 inconclusive)",
        ),
        (ALL[4:5], {}, "PASSED: 0 blocking rules; 1 warning"),
    ],
)
def test_the_whole_in_words(rules, settings, words):
    assert conclusion(verdict(*rules, **settings)) == words


def test_a_null_value_is_a_dash():
    (line,) = rule_lines(verdict(ruled(Rule("nll", "max", 1.0), "error", None, None, None, "infinite: 1 row")))
    assert line.sentence == "NLL ≤ 1 nats: –: infinite: 1 row"


@pytest.mark.parametrize("name", [*HOSTILE, "::error::", "a##[x", "\x00\x01\ufffe"])
def test_foreign_names_are_harmless_everywhere(name):
    bad = verdict(
        ruled(
            Rule("ece", "max", 0.03, slice=f"c={name}"),
            "fail",
            0.1,
            0.09,
            0.11,
            name,
            why=Why(False, (Part(name, name, 1.0, 0.1),), None),
        ),
        name=name,
    )
    text = gate_terminal.render(bad, width=None, color=False, ascii_only=False)
    assert not any(line.lstrip().startswith("::") for line in text.splitlines())
    assert "##[" not in text
    assert len(text.splitlines()) == 6
    root = ET.fromstring(gate_junit.render(bad).encode())  # noqa: S314 - our own text
    assert len(root.findall(".//failure")) == 1
    assert gate_github.workflow_commands(bad).count("\n") == 1
    table = [line for line in gate_markdown.render(bad).splitlines() if line.startswith("| ")]
    assert {len(re.findall(r"(?<!\\)\|", line)) for line in table} == {6}
    page = html.render(report(over_confident()), bad)
    assert page.count("<script") == 1  # our own
    assert re.search(r"<h1><svg .*?</svg>\s*<span>FAILED: 1 of 1 rule · <bdi>", page, re.DOTALL)


def test_the_page_heads_intervals_of_one_level_with_it():
    page = html.render(report(over_confident()), verdict(ALL[0]))
    assert '<th scope="col" class="range">95 % interval</th>' in page
    assert re.search(r'<td class="range">\s*<span class="ends">\[90.6, 91.8\]</span>\s*</td>', page)
    other = replace(ALL[0], decisive=replace(ALL[0].decisive, interval_level=0.9))
    page = html.render(report(over_confident()), verdict(other, ALL[1]))
    assert '<th scope="col" class="range">interval (95 % unless stated)</th>' in page
    assert '<span class="ends">[90.6, 91.8]</span> <span class="level">at 90 %</span>' in page


def test_a_page_without_a_gate_has_none():
    assert "Gate" not in html.render(report(over_confident()))


def test_test_report():
    root = ET.fromstring(gate_junit.render(verdict(*ALL)).encode())  # noqa: S314 - our own text
    totals = {key: root.get(key) for key in ("tests", "failures", "errors", "skipped")}
    assert totals == {"tests": "6", "failures": "2", "errors": "0", "skipped": "2"}
    cases = {case.get("name"): [child.tag for child in case] for case in root.iter("testcase")}
    assert cases == {
        "accuracy ≥ 90.00 %": ["system-out"],
        "NLL change ≤ +0.01 nats": ["failure"],
        "ECE ≤ 3.00 % in worst slice": ["failure"],
        "accuracy change ≥ −0.50 points": ["system-out"],
        "CWCE ≤ 0.20 %": ["skipped"],
        "Brier ≤ 0.5": ["skipped"],
    }
    assert root.find(".//system-err") is None
    assert root.find("testsuite/system-out").text.splitlines()[0].endswith(" · rules: calibeval.toml")
    warned = replace(verdict(*ALL), warnings=(warning("clipped", "probabilities of 3 rows were clipped"),))
    suite = ET.fromstring(gate_junit.render(warned).encode()).find("testsuite")  # noqa: S314
    assert suite.find("system-err").text == "warning: probabilities of 3 rows were clipped"
    failure = root.find(".//failure")
    assert failure.get("type") == "fail"
    assert failure.text.splitlines() == [
        "NLL change ≤ +0.01 nats: +0.031 [+0.022, +0.040]: interval beyond the limit",
        *SAID,
    ]
    let_through = ET.fromstring(gate_junit.render(verdict(replace(ALL[2], on_inconclusive="warn"))).encode())  # noqa: S314
    assert (let_through.get("failures"), let_through.get("skipped")) == ("0", "1")
    broken = verdict(ruled(Rule("nll", "max", 1.0), "error", None, None, None, "infinite"))
    assert ET.fromstring(gate_junit.render(broken).encode()).get("errors") == "1"  # noqa: S314


def test_cases_of_one_name_are_told_apart():
    twins = [ruled(Rule("ece", "max", 0.03, slice=f"c={'x' * 90}{i}{'y' * 90}"), *ALL_PASS) for i in range(3)]
    root = ET.fromstring(gate_junit.render(verdict(*twins)).encode())  # noqa: S314 - our own text
    assert len({case.get("name") for case in root.iter("testcase")}) == 3


ALL_PASS = ("pass", 0.01, 0.0, 0.02, "interval within the limit")


def test_comment():
    comment = gate_markdown.render(verdict(*ALL))
    assert comment.startswith(
        "<!-- calibeval:cand.npz -->\n"
        "### calibeval gate: FAILED: 1 of 4 blocking rules (1 inconclusive); 1 warning\n\n"
        "cand.npz, baseline main.npz (paired by id) · rules: calibeval.toml\n\n"
        "| verdict | rule | value | 95 % interval | reason |\n"
    )
    assert "| **FAIL** | NLL change ≤ +0.01 nats | +0.031 | \\[+0.022, +0.040\\] | interval beyond" in comment


@pytest.mark.parametrize("count", [10, 2000])
def test_a_comment_fits_and_keeps_what_did_not_pass(count):
    rules = [ruled(Rule("ece", "max", 0.03, slice=f"c={'|' * 50}{i}"), *ALL_PASS) for i in range(count)]
    comment = gate_markdown.render(verdict(*rules, ALL[1]))
    assert len(comment) <= 65536
    assert "**FAIL**" in comment
    assert ("more rules did not fit here." in comment) == (count == 2000)


def test_annotations_escape_and_count_what_is_left():
    one = gate_github.workflow_commands(verdict(ALL[1], ALL[4], ALL[0]))
    assert one == (
        "::error title=calibeval gate failed::NLL change ≤ +0.01 nats: +0.031 [+0.022, +0.040]: interval beyond the "
        f"limit%0A{SAID[0]}%0A{SAID[1]}\n".replace(" %", " %25")
        + "::warning title=calibeval gate failed::CWCE ≤ 0.20 %25: 0.567 [0.40, 0.70]: interval beyond the limit; "
        "does not block\n"
    )
    assert gate_github.workflow_commands(verdict(ALL[0])) == ""
    many = [ruled(Rule("ece", "max", 0.03, slice=f"c={i}"), "fail", 0.1, 0.09, 0.11, "beyond") for i in range(30)]
    lines = gate_github.workflow_commands(verdict(*many)).splitlines()
    assert len(lines) == 10
    assert lines[-1] == "::error title=calibeval gate::21 more rules: see the log or the summary"
    kinds = {
        how: gate_github.workflow_commands(verdict(replace(ALL[2], on_inconclusive=how)))
        for how in ("fail", "warn", "pass")
    }
    assert [text.split(" ")[0] for text in kinds.values()] == ["::error", "::warning", "::notice"]


def test_warnings_are_in_the_comment_and_among_the_annotations():
    notices = (warning("below_chance", "accuracy 9.0 % lies below chance: ::error::a|b"), warning("rounded", "@all"))
    one = replace(verdict(ALL[0]), warnings=notices)
    assert gate_github.workflow_commands(one) == (
        "::warning title=calibeval gate warning::accuracy 9.0 %25 lies below chance: \\u003a:error:\\u003aa|b\n"
        "::warning title=calibeval gate warning::@all\n"
    )
    comment = gate_markdown.render(one)
    assert comment.endswith(
        "|\n\n- warning: accuracy 9.0 % lies below chance: \\\\u003a:error:\\\\u003aa\\|b\n- warning: @&#8288;all\n"
    )
    assert gate_github.summary(one) == f"{comment}\n"
    many = replace(verdict(*[ALL[4]] * 9), warnings=notices * 20)
    assert gate_github.workflow_commands(many).count("::warning") == 10
    rules = [ruled(Rule("ece", "max", 0.03, slice=f"c={'|' * 50}{i}"), *ALL_PASS) for i in range(2000)]
    full = gate_markdown.render(replace(verdict(*rules), warnings=notices * 20))
    assert len(full) <= 65536
    assert full.count("- warning: ") == 10


def test_a_summary_is_below_a_mebibyte():
    rules = [ruled(Rule("ece", "max", 0.03, slice=f"c={'😀' * 60}{i}"), *ALL_PASS) for i in range(4000)]
    assert len("".join(rule.rule.slice for rule in rules).encode()) > 0.9 * 2**20
    assert len(gate_github.summary(verdict(*rules)).encode()) < 2**20


def test_long_names_are_cut():
    assert len(harmless("x" * 1000)) == 61


def test_quoted_text_reads_back():
    text = "".join(map(chr, range(1, 200))) + "日😀\\"
    assert tomllib.loads(f"a = {quoted(text)}")["a"] == text


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (0.0412, "a temperature of 1.02 changes little, this rule would still fail: ECE 4.12 %, corrected 3.9"),
        (0.0388, "a temperature of 1.02 changes little, this rule would still fail: ECE 3.88 %"),
        (0.0424, "a temperature of 1.02 would not repair it: ECE 4.24 %, corrected 3.9"),
    ],
)
def test_a_temperature_that_moves_less_than_a_tenth_of_the_interval_changes_little(value, said):
    trial = Trial(value, False, "fail", 0.032, 0.048, None, 1.02, 0.0391)
    judged = ruled(Rule("ece", "max", 0.03), "fail", 0.04, 0.03, 0.05, "", why=Why(False, (), trial))
    assert why_lines(judged)[-1] == f"{said} [3.2, 4.8]"


def test_a_new_verdict_is_told_even_if_little_moves():
    trial = Trial(0.0399, True, "pass", 0.01, 0.0299, None, 1.02, 0.02)
    judged = ruled(Rule("ece", "max", 0.03), "inconclusive", 0.04, 0.02, 0.05, "", why=Why(False, (), trial))
    said = "a temperature of 1.02 would repair it: ECE 3.99 %, corrected 2.0 [1.0, 3.0]"
    assert why_lines(judged)[-1] == said


@pytest.mark.parametrize(("before", "said"), [("fail", "would make it"), ("inconclusive", "would leave it")])
def test_a_temperature_may_leave_a_rule_undecided(before, said):
    trial = Trial(0.029, False, "inconclusive", 0.01, 0.04, None, 1.5)
    judged = ruled(Rule("ece", "max", 0.03), before, 0.07, 0.05, 0.08, "", why=Why(False, (), trial))
    assert why_lines(judged)[-1] == f"a temperature of 1.5 {said} undecided: ECE 2.90 % [1.0, 4.0]"


def test_what_other_parts_take_back_is_said():
    part = Part("light", "night", 0.75, 0.25, 0.4, 500, -0.08)
    judged = ruled(Rule("nll", "max", 0.3), "fail", 0.4, 0.35, 0.45, "", why=Why(True, (part,), None))
    said = "75 % of the change, 25 % of the rows, before other rows take 40 % of it back"
    assert why_lines(judged) == [f"light=night (500 rows, gap −8.0): {said}"]


@pytest.mark.parametrize(
    ("metric", "value", "said"),
    [
        ("gap_positive", (0.0095, 0.008, 0.011), "|gap P(pos)| ≤ 1.00 %: 0.95 [0.80, 1.10]: because"),
        ("cox_intercept", (0.0812, 0.06, 0.1), "|Cox intercept| ≤ 0.01: 0.081 [0.060, 0.100]: because"),
    ],
)
def test_rules_limit_the_size_of_what_is_best_at_0(metric, value, said):
    judged = part("inconclusive", *value, centre=None)
    (line,) = rule_lines(verdict(RuleVerdict(Rule(metric, "max", 0.01), "inconclusive", "because", judged)))
    assert line.sentence == said


def test_the_number_beside_an_interval_lies_in_it():
    judged = part("pass", 0.0582, 0.01, 0.042, centre=0.022)
    (line,) = rule_lines(verdict(RuleVerdict(Rule("ece", "max", 0.05), "pass", "", judged)))
    assert (line.value, line.interval) == ("5.82", "2.2 [1.0, 4.2]")
    same = part("pass", 0.0222, 0.01, 0.042, centre=0.0221)
    (line,) = rule_lines(verdict(RuleVerdict(Rule("ece", "max", 0.05), "pass", "", same)))
    assert (line.value, line.interval) == ("2.22", "[1.0, 4.2]")
