"""The page: its words and numbers are the report's, it loads nothing, and no name changes its structure."""

from __future__ import annotations

import base64
import hashlib
import re
import subprocess
import sys
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise

import numpy as np
import pytest

from calibeval.core.data.predictions import Predictions
from calibeval.core.evaluation.evaluate import evaluate
from calibeval.core.metrics.table import METRICS
from calibeval.core.report.report import ClassResult, Report
from calibeval.render.page.marks import pct
from calibeval.render.page.page import fragment, render
from calibeval.render.page.scale import mattering
from calibeval.words import cells
from calibeval.words.best import MARKED
from calibeval.words.marks import merged, round_ticks, short_names
from calibeval.words.names import visible
from calibeval.words.report import headline
from tests.conftest import ROOT
from tests.render.hand_made import HOSTILE, bins, over_confident, report, with_metric, without_breaks, without_intervals

VOID = {"meta", "link", "br", "img", "hr", "input"}
MEGABYTE = 1_000_000
WARNED = (("a", ("odd labels",)), ("b", ()), ("c", ("odd labels",)))
PLANTED = (
    *HOSTILE,
    "<script>alert(1)</script>",
    "[/red]",
    "$\\bad{$",
    '" onload="alert(1)',
    "' onclick='alert(1)",
    "</title></style></svg></main><h1>",
    "{{ 7 * 7 }}{% raw %}",
    "&lt;b&gt;",
    "javascript:alert(1)",
    "http://example.org/x.png",
)


class Page(HTMLParser):
    """The elements of a page in order, its text, its attributes; every element must be closed where it was opened."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements, self.attributes, self.open, self.words, self.lines = [], [], [], [], []
        self.feed(without_breaks(text))
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, len(self.open), *(name for name, _ in attrs)))
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if not {"style", "script"} & set(self.open):
            self.words.append((tuple(self.open), data))

    def said(self, tag):
        """The texts inside elements of that tag, one for each piece."""
        return [" ".join(text.split()) for path, text in self.words if tag in path and text.strip()]

    @property
    def text(self):
        return " ".join(" ".join(text for _, text in self.words).split())

    def values(self, attribute):
        return [value for _, name, value in self.attributes if name == attribute]


def many(n, k, seed=0):
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=(n, k)) * 2
    labels = np.where(rng.random(n) < 0.5, logits.argmax(axis=1), rng.integers(0, k, n))
    names = tuple(f"class number {i} <of many>" for i in range(k))
    return evaluate(Predictions(logits=logits, labels=labels, class_names=names))


def joined(*reports):
    return replace(reports[0], dumps=tuple(dump for each in reports for dump in each.dumps))


def named(count, names):
    """A report of so many dumps whose every text is the next of the names."""
    cycle = [names[i % len(names)] for i in range(40)]
    dumps = []
    for i in range(count):
        base = over_confident()
        source = replace(base.source, path=cycle[i], split=cycle[i + 1], format=cycle[i + 2], sha256=cycle[i + 3])
        classes = tuple(replace(c, name=cycle[i + j]) for j, c in enumerate(base.per_class))
        warnings = (cycle[i + 4], cycle[i + 5])
        dump = with_metric(base, "nll", value=None, reason=cycle[i + 6])
        dumps.append(replace(dump, name=f"{cycle[i]}{i}", source=source, per_class=classes, warnings=warnings))
    return report(*dumps, convention=names[0])


@pytest.fixture(scope="module")
def single():
    return many(2000, 10)


@pytest.fixture(scope="module")
def five():
    dumps = [many(500, 4, seed).dumps[0] for seed in range(5)]
    return report(*(replace(d, name=f"runs/shift.npz#{i}") for i, d in enumerate(dumps)))


def test_the_headline_is_that_of_the_terminal(single):
    page = Page(render(single))
    assert page.said("h1") == [" ".join(headline(single.dumps[0]).split())]


def test_every_metric_is_there_with_all_that_is_known(single):
    text = Page(render(single)).text
    for metric in single.dumps[0].metrics.values():
        if not METRICS[metric.name].shown:
            continue
        for words in (cells.value(metric), cells.interval(metric), cells.floor(metric)):
            assert words in text
        assert METRICS[metric.name].source[1:] in text


def test_the_facts_are_there(single):
    text = Page(render(single)).text
    for words in ("2,000 rows", "10 classes", "15 bins", "convention calibeval", single.version):
        assert words in text


def test_the_bins_are_a_table_too(single):
    text = Page(render(single)).text
    for b in (*single.dumps[0].equal_width, *single.dumps[0].equal_mass):
        if b.count:
            assert f"{b.count:,} {100 * b.confidence:.2f} {100 * b.accuracy:.2f}" in text


def test_hash_and_path_are_there():
    page = Page(render(report(over_confident())))
    assert "0" * 64 in page.text
    assert "a.npz" in page.text


def test_under_confident_bins_are_hatched_the_other_way():
    page = render(report(over_confident(equal_width=bins((10, 0.3, 0.8)))))
    assert 'fill="url(#d1-under)"' in page
    assert 'fill="url(#d1-over)"' not in page


def test_dots_share_one_scale():
    scale = mattering(over_confident())
    ece, gap = scale.dots
    assert (ece.label, ece.place) == ("ECE", gap.place)
    assert ece.beyond
    assert gap.sign == "over"
    assert float(gap.noise[:-1]) < float(scale.zero[:-1]) == float(ece.noise[:-1])


def test_within_noise_a_dot_is_hollow():
    dump = with_metric(over_confident(), "ece", value=0.01, low=0.0, high=0.02)
    assert not mattering(dump).dots[0].beyond


def test_pictures_say_what_they_show(single):
    page = Page(render(single))
    titles = [" ".join(text.split()) for path, text in page.words if path[-2:] == ("svg", "title")]
    assert titles == [" ".join(headline(single.dumps[0]).split())]
    assert any("Beyond noise: " in text for text in page.said("desc"))


@pytest.mark.parametrize("which", ["single", "five"])
def test_ids_are_unique_and_references_lead_somewhere(which, request):
    text = render(request.getfixturevalue(which))
    page = Page(text)
    ids = page.values("id")
    assert len(ids) == len(set(ids))
    wanted = {value[1:] for value in page.values("href") if value.startswith("#")}
    wanted |= {part for value in page.values("aria-labelledby") for part in value.split()}
    wanted |= set(re.findall(r"url\(#([^)]*)\)", text))
    assert wanted <= set(ids)


def test_headings_and_tables_are_in_order(single):
    page = Page(render(single))
    levels = [int(tag[1]) for tag, *_ in page.elements if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert all(b <= a + 1 for a, b in pairwise(levels))
    assert ("html", "lang", "en") in page.attributes
    cells_without_scope = [e for e in page.elements if e[0] == "th" and "scope" not in e]
    assert cells_without_scope == []


def inside(tag, text):
    return re.findall(f"<{tag}>(.*?)</{tag}>", text, re.DOTALL)


@pytest.mark.parametrize("which", ["single", "five"])
def test_the_policy_allows_the_one_style_and_script_and_nothing_else(which, request):
    text = render(request.getfixturevalue(which))
    (style,), (script,) = inside("style", text), inside("script", text)
    ours = [base64.b64encode(hashlib.sha256(part.encode()).digest()).decode() for part in (script, style)]
    policy = next(value for _, name, value in Page(text).attributes if name == "content" and "default-src" in value)
    allowed = [f"script-src 'sha256-{ours[0]}'", f"style-src 'sha256-{ours[1]}'", "img-src data:"]
    assert policy.split("; ")[:4] == ["default-src 'none'", *allowed]
    assert text.index("Content-Security-Policy") < text.index("<style>")


@pytest.mark.parametrize("count", [1, 3])
def test_nothing_but_our_script_runs_and_nothing_is_loaded(count):
    text = render(named(count, PLANTED))
    page = Page(text)
    assert not {"iframe", "object", "embed", "img", "form", "base"} & {tag for tag, *_ in page.elements}
    for _, name, value in page.attributes:
        assert not name.startswith("on")
        assert name not in ("style", "src", "srcset", "action")
        if name in ("href", "fill", "xlink:href"):
            assert value.startswith(("#", "url(#", "data:,"))
    (style,), (script,) = inside("style", text), inside("script", text)
    assert not re.search(r"url\(|@import|http", style)
    assert script == (ROOT / "calibeval/render/templates/page.js").read_text(encoding="utf-8")


def test_the_script_is_short_and_cannot_run_or_load_other_code():
    script = (ROOT / "calibeval/render/templates/page.js").read_text(encoding="utf-8")
    assert len(script) < 4096
    others = r"eval|Function|innerHTML|insertAdjacent|import|fetch|XMLHttp|WebSocket|http|set(Timeout|Int)"
    assert not re.search(others, script)


@pytest.mark.parametrize("count", [1, 3])
def test_hostile_names_do_not_change_the_structure(count):
    for start in range(0, len(PLANTED), 5):
        hostile = PLANTED[start:] + PLANTED[:start]
        plain_names = tuple(f"name {i}" for i in range(len(PLANTED)))
        text = render(named(count, hostile))
        assert Page(text).elements == Page(render(named(count, plain_names))).elements
        assert text.encode()


def test_names_are_shown_as_they_are():
    page = Page(render(named(1, ("<script>alert(1)</script>", "{{ 7 * 7 }}", "\x1b[31mred"))))
    assert "<script>alert(1)</script>" in page.text
    assert "{{ 7 * 7 }}" in page.text
    assert visible("\x1b[31mred") in page.text


def test_classes_stand_worst_first():
    page = render(report(over_confident()))
    order = [page.index(f"<bdi>{name}</bdi>") for name in ("dog", "cat", "fox", "bee", "bat", "owl")]
    assert order == sorted(order)


def test_classes_that_look_alike_when_cut_are_numbered():
    classes = tuple(ClassResult("x" * 100 + i + "y" * 100, 1, 0.1, 0.1) for i in "ab")
    page = Page(render(report(over_confident(per_class=classes))))
    assert [name[:2] for name in page.said("bdi") if name.endswith("yyy")] == ["0 ", "1 "]


def test_a_thousand_classes_fold():
    text = render(many(1000, 1000))
    assert text.count("<bdi>class number") >= 1000
    assert len(text.encode()) < MEGABYTE


def test_twenty_dumps_of_a_thousand_classes_stay_small():
    one = many(1000, 1000)
    text = render(joined(*[one] * 20))
    assert text.count("see report.json.") == 20
    assert len(text.encode()) < MEGABYTE


def test_twenty_hostile_dumps_stay_small():
    classes = tuple(ClassResult("&" * 500, 1, 0.1, 0.1) for _ in range(1000))
    dump = replace(many(1000, 3).dumps[0], per_class=classes, warnings=("<" * 5000,) * 3)
    assert len(render(report(*[dump] * 20)).encode()) < MEGABYTE


def test_several_dumps_have_an_overview(five):
    page = Page(render(five))
    for name in ("#0", "#4"):
        assert page.said("a").count(name) == 2
    for dump in five.dumps:
        assert " ".join(headline(dump).split()) in page.text
        assert cells.value(dump.metrics["ece"]) in page.text
    assert page.said("h1")[0].startswith(("All 5 dumps", "Of 5 dumps"))


def test_the_headline_of_several_counts_directions_and_tells_the_range():
    off = over_confident(name="over")
    under = with_metric(over_confident(name="under"), "confidence_gap", value=-0.11, low=-0.135, high=-0.085)
    fine = with_metric(over_confident(name="fine"), "confidence_gap", value=0.001, low=-0.01, high=0.012)
    fine = with_metric(fine, "ece", value=0.01, low=0.0, high=0.02)
    metrics = {name: fine.metrics[name] for name in ("accuracy", "confidence_gap", "ece", "nll")}
    fine = replace(fine, metrics=metrics, per_class=())
    said = Page(render(report(off, under, fine))).said("h1")
    lead = "Of 3 dumps, 1 is over-confident, 1 is under-confident, 1 is within noise of calibrated"
    assert said == [f"{lead}; ECE from 1.00 % (fine) to 11.00 % (under)."]
    without = with_metric(fine, "ece", value=None, reason="why not")
    assert Page(render(report(without, without))).said("h1") == ["All 2 dumps are within noise of calibrated."]


def test_the_headline_of_several_claims_no_direction_that_was_not_measured():
    def without_gap(name):
        dump = over_confident(name=name)
        return replace(dump, metrics={key: dump.metrics[key] for key in ("ece", "nll")})

    neither = Page(render(report(without_gap("a"), without_gap("b")))).said("h1")
    assert neither == ["All 2 dumps are miscalibrated beyond noise; ECE from 11.00 % (a) to 11.00 % (b)."]
    both = Page(render(report(without_gap("a"), over_confident(name="b")))).said("h1")
    assert both == ["Of 2 dumps, 1 is over-confident, 1 is miscalibrated; ECE from 11.00 % (a) to 11.00 % (b)."]
    nothing = replace(over_confident(), metrics={})
    assert Page(render(report(nothing, nothing))).said("h1") == ["2 dumps."]


def test_certain_bests_are_marked(single):
    better = with_metric(single.dumps[0], "nll", value=0.01, low=0.009, high=0.011)
    both = joined(single, report(better))
    assert MARKED not in Page(render(both)).text
    page = Page(render(replace(both, dumps=tuple(replace(one, rows_sha256="1") for one in both.dumps))))
    assert "0.0100*" in page.said("strong")
    assert MARKED in page.text


def test_without_intervals_no_best_is_marked():
    dump = without_intervals(over_confident())
    assert "No value is marked as best" in Page(render(report(dump, dump, level=None))).text


def test_a_top_label_dump_has_no_classes_and_says_why():
    rng = np.random.default_rng(1)
    confidence = rng.uniform(0.3, 1, 200)
    correct = (rng.random(200) < confidence).astype(int)
    page = Page(render(evaluate(Predictions(confidence=confidence, correct=correct))))
    assert "top label only" in page.text
    assert "CWCE, NLL, Brier: needs the probability of every class" in page.text


def test_a_null_metric_says_why():
    page = Page(render(report(over_confident())))
    assert "infinite: the label has probability 0 in 1 row" in page.text
    assert "nan" not in page.text.lower().split()


def test_no_equal_mass_bins_are_told():
    assert "No equal-mass bins" in Page(render(report(over_confident()))).text


def test_without_a_single_value_the_page_still_stands():
    dump = over_confident()
    nothing = {name: replace(m, value=None, reason="for no <reason>") for name, m in dump.metrics.items()}
    page = Page(render(report(replace(dump, metrics=nothing))))
    assert "for no <reason>" in page.said("h1")[0]


def test_one_row():
    page = Page(render(evaluate(Predictions(probs=[[0.9, 0.1]], labels=[0]))))
    assert "1 row" in page.text
    assert "cannot tell" in page.text


def test_no_rows_and_no_dumps():
    assert "holds no dumps" in Page(render(report())).said("h1")[0]
    empty = over_confident(equal_width=bins((0, None, None)))
    assert Page(render(report(empty))).elements


def test_without_intervals_no_interval_is_spoken_of():
    page = Page(render(report(without_intervals(over_confident()), level=None)))
    assert "interval" not in page.text.replace("Interval: Wilson", "")


def test_very_many_bins_are_merged_and_that_is_said():
    rng = np.random.default_rng(2)
    confidence = rng.uniform(0.3, 1, 5000)
    text = render(evaluate(Predictions(confidence=confidence, correct=np.ones(5000, int)), bins=5000))
    assert "Drawn in 100 bins" in text
    assert "merged to at most 100" in text
    assert len(text.encode()) < MEGABYTE / 4


def test_a_report_from_json_gives_the_same_page(five):
    assert render(Report.from_json(five.to_json())) == render(five)


def test_an_unknown_metric_is_shown():
    dump = with_metric(over_confident(), "newce", value=0.123)
    assert "NEWCE" in Page(render(report(dump))).text


def test_the_same_report_gives_the_same_bytes():
    code = (
        "import sys; from tests.render.hand_made import over_confident, report;"
        "from calibeval.render.page.page import render;"
        "sys.stdout.buffer.write(render(report(over_confident(), over_confident())).encode())"
    )
    runs = [
        subprocess.run(
            [sys.executable, "-c", code], check=True, capture_output=True, env={"PYTHONHASHSEED": seed}
        ).stdout
        for seed in ("1", "2")
    ]
    assert runs[0] == runs[1]
    assert runs[0]


def test_fragments_share_a_document(single, five):
    first, second = fragment(single), fragment(five)
    assert not set(Page(first).values("id")) & set(Page(second).values("id"))
    assert first == fragment(single)
    assert Page(first).elements[0][0] == "div"
    assert Page(first).said("h1") == Page(render(single)).said("h1")


def test_pages_need_no_matplotlib():
    code = "import sys, calibeval.render.page.page; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False, cwd=ROOT).returncode == 0


def test_names_lose_what_all_share():
    assert short_names(["a/b.npz#x", "a/b.npz#y"], 20) == ["#x", "#y"]
    assert short_names(["a/b.npz", "a/c.npz"], 20) == ["b.npz", "c.npz"]
    assert short_names(["only.npz#test"], 20) == ["only.npz#test"]


def test_merged_bins_keep_every_row():
    table = bins((3, 0.1, 0.2), (0, None, None), (1, 0.5, 1.0), (4, 0.9, 0.5), (0, None, None))
    fewer = merged(table, 2)
    assert [b.count for b in fewer] == [4, 4]
    assert fewer[0].confidence == pytest.approx((3 * 0.1 + 0.5) / 4)
    assert (fewer[0].lower, fewer[-1].upper) == (0.0, 1.0)


@pytest.mark.parametrize(("low", "high"), [(0, 1e-9), (-100, 100), (0.3, 0.31), (-3, -2), (0, 7e5)])
def test_ticks_are_few_and_inside(low, high):
    ticks = round_ticks(low, high)
    assert 2 <= len(ticks) <= 6
    assert all(low <= t <= high for t in ticks)


def test_a_range_of_nothing_has_one_tick():
    assert round_ticks(2.0, 2.0) == [2.0]


def test_percentages_have_no_negative_zero():
    assert pct(-1e-9) == "0%"


def test_warnings_of_several_dumps_stand_before_the_numbers():
    a, b, c = (over_confident(name=f"{name}.npz", warnings=("few rows", *more)) for name, more in WARNED)
    text = render(report(a, b, c))
    lines = re.findall(
        r"<li><bdi>(.*?)</bdi></li>", text[text.index('<ul class="notes warnings">') : text.index("<table")]
    )
    assert lines == ["few rows", "a.npz, c.npz: odd labels"]
    assert text.count("odd labels") == 1
