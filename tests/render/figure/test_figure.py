"""Figures by their data: bars, hatches, lines and words; equal bytes; names of any origin. Never by their pixels."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import warnings
from dataclasses import replace
from itertools import combinations
from xml.etree import ElementTree as ET  # the SVGs are our own

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.text import Text

from calibeval import evaluate as public_evaluate
from calibeval.core.data.predictions import Predictions, Source
from calibeval.core.errors import InputError, UsageError
from calibeval.core.evaluation.evaluate import evaluate
from calibeval.core.metrics.result import MetricResult
from calibeval.core.report.report import DumpReport, Report
from calibeval.core.uncertainty.consistency import consistency_range
from calibeval.render.drawing.letters import text_width
from calibeval.render.drawing.reliability import RANGE_SHARE
from calibeval.render.figure.figure import figure_bytes, reliability_figure, save_figure

HOSTILE = [
    r"$\bad{$",
    "<script>alert(1)</script> & -->",
    "\x1b[31mred\x1b[0m\x07",
    "line\nbreak\r\ttab",
    "m" * 500 + ".npz#test",
    "\u202eevil\u2066 zero\u200bwidth",
    "模型.npz#测试",
    "z\u0316\u0316\u0317\u0318a\u0300l\u0301go",
    "lone \udcff surrogate",
    "",
    "\x00",
    "%s {0} \\n ^_",
]


def report_of(confidence: object, correct: object, *, name: str = "toy.npz", bins: int = 10) -> Report:
    dump = Predictions(confidence=np.asarray(confidence), correct=np.asarray(correct), source=Source(path=name))
    return evaluate(dump, bins=bins)


def random_report(seed: int = 0, n: int = 400, shift: float = 0.2, *, name: str = "toy.npz", bins: int = 10) -> Report:
    rng = np.random.default_rng(seed)
    confidence = rng.uniform(0.3, 1.0, n)
    correct = rng.random(n) < np.clip(confidence - shift, 0.0, 1.0)
    return report_of(confidence, correct.astype(int), name=name, bins=bins)


def joined(*reports: Report) -> Report:
    return replace(reports[0], dumps=tuple(dump for report in reports for dump in report.dumps))


def renamed(report: Report, *names: str) -> Report:
    return replace(report, dumps=tuple(replace(report.dumps[0], name=name) for name in names))


def axes_of(figure: Figure, kind: str, index: int = 0) -> Axes:
    return next(axes for axes in figure.axes if axes.get_label() == f"{kind} {index}")


def boxes(axes: Axes, *labels: str) -> list[Rectangle]:
    return [patch for patch in axes.patches if isinstance(patch, Rectangle) and patch.get_label() in labels]


def words(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.findobj(Text) if text.get_text()]


def header(figure: Figure, index: int = 0) -> list[str]:
    left = axes_of(figure, "reliability", index).get_position()
    above = [text for text in figure.texts if text.get_position()[0] == pytest.approx(left.x0)]
    near = [text for text in above if 0 < text.get_position()[1] - left.y1 < 0.9 / figure.get_figheight()]
    return [text.get_text() for text in sorted(near, key=lambda text: -text.get_position()[1])]


def filled(dump: DumpReport) -> list[tuple[float, float, float, float, int]]:
    return [
        (b.lower, b.upper, b.accuracy, b.confidence, b.count)
        for b in dump.equal_width
        if b.accuracy is not None and b.confidence is not None
    ]


def test_bars_are_the_accuracies_of_the_filled_bins() -> None:
    report = random_report()
    axes = axes_of(reliability_figure(report), "reliability")
    bars, bins = boxes(axes, "bar"), filled(report.dumps[0])
    assert [bar.get_height() for bar in bars] == pytest.approx([100 * accuracy for _, _, accuracy, _, _ in bins])
    for bar, (lower, upper, *_) in zip(bars, bins, strict=True):
        assert bar.get_y() == 0.0
        assert bar.get_x() + bar.get_width() / 2 == pytest.approx(50 * (lower + upper))
        assert bar.get_width() < 100 * (upper - lower)


def test_hatches_span_the_gap_in_the_colour_of_its_sign() -> None:
    report = report_of([0.95] * 20 + [0.45] * 20, [1] * 10 + [0] * 10 + [1] * 15 + [0] * 5)
    axes = axes_of(reliability_figure(report), "reliability")
    (over,), (under,) = boxes(axes, "gap over"), boxes(axes, "gap under")
    assert (over.get_y(), over.get_height()) == pytest.approx((50.0, 45.0))
    assert (under.get_y(), under.get_height()) == pytest.approx((45.0, 30.0))
    assert over.get_hatch() != under.get_hatch()
    assert over.get_edgecolor()[:3] != under.get_edgecolor()[:3]
    assert over.get_edgecolor()[0] > over.get_edgecolor()[2]
    assert under.get_edgecolor()[0] < under.get_edgecolor()[2]


def test_in_front_of_the_bars_is_where_those_of_a_calibrated_model_would_be() -> None:
    report = random_report()
    axes = axes_of(reliability_figure(report), "reliability")
    ranges = boxes(axes, "range")
    for outline, (lower, upper, _, confidence, count) in zip(ranges, filled(report.dumps[0]), strict=True):
        low, high = consistency_range(count, confidence)
        assert (outline.get_y(), outline.get_y() + outline.get_height()) == pytest.approx((100 * low, 100 * high))
        assert outline.get_width() == pytest.approx(100 * RANGE_SHARE * (upper - lower))
        assert outline.get_facecolor()[3] == 0.0
    assert min(one.get_zorder() for one in ranges) > max(bar.get_zorder() for bar in boxes(axes, "bar"))


def test_the_curve_lies_over_the_bins_with_its_band() -> None:
    rng = np.random.default_rng(2)
    logits = rng.normal(size=(500, 3)) * 2
    report = public_evaluate(logits=logits, labels=(logits + rng.gumbel(size=(500, 3))).argmax(axis=1))
    axes = axes_of(reliability_figure(report), "reliability")
    curve = report.dumps[0].curve
    (line,) = [line for line in axes.lines if line.get_label() == "curve"]
    assert line.get_ydata() == pytest.approx([100 * y for y in curve.accuracy])
    edges = [line for line in axes.lines if line.get_label() == "edge"]
    assert [list(edge.get_ydata()) for edge in edges] == [
        pytest.approx([100 * y for y in end]) for end in (curve.low, curve.high)
    ]


def test_small_bins_are_pale() -> None:
    report = report_of([0.95] * 3 + [0.75] * 30 + [0.55] * 3000, [0] * 3033)
    axes = axes_of(reliability_figure(report), "reliability")
    alphas = [bar.get_alpha() for bar in boxes(axes, "bar")]
    assert alphas == pytest.approx([1 - 1.96 / 3000**0.5, 1 - 1.96 / 30**0.5, 0.15])
    assert [gap.get_alpha() for gap in boxes(axes, "gap over")] == alphas


def test_the_diagram_is_square_from_0_to_100_percent_on_both_axes() -> None:
    for report in (random_report(), joined(*[random_report(seed) for seed in range(7)])):
        figure = reliability_figure(report)
        for index in range(len(report.dumps)):
            upper, lower = axes_of(figure, "reliability", index), axes_of(figure, "histogram", index)
            assert (*upper.get_xlim(), *upper.get_ylim(), *lower.get_xlim()) == (0, 100, 0, 100, 0, 100)
            box, below = upper.get_position(), lower.get_position()
            assert box.width * figure.get_figwidth() == pytest.approx(box.height * figure.get_figheight())
            assert (box.x0, box.x1) == pytest.approx((below.x0, below.x1))
            assert below.y1 < box.y0
        diagonal = next(line for line in axes_of(figure, "reliability").lines if line.get_label() == "diagonal")
        assert list(diagonal.get_xdata()) == list(diagonal.get_ydata()) == [0, 100]


def test_the_histogram_shows_the_share_of_rows_and_both_means() -> None:
    report = random_report()
    axes = axes_of(reliability_figure(report), "histogram")
    counts = [count for *_, count in filled(report.dumps[0])]
    assert [bar.get_height() for bar in boxes(axes, "share")] == pytest.approx([count / 4 for count in counts])
    accuracy, gap = report["accuracy"].value, report["confidence_gap"].value
    assert accuracy is not None
    assert gap is not None
    places = {line.get_label(): list(line.get_xdata()) for line in axes.lines}
    assert places["mean observed"] == pytest.approx([100 * accuracy] * 2)
    assert places["mean predicted"] == pytest.approx([100 * (accuracy + gap)] * 2)
    labels = {text.get_text() for text in axes.texts if text.get_label() == "ink"}
    assert labels == {f"accuracy {100 * accuracy:.1f} %", f"mean confidence {100 * (accuracy + gap):.1f} %"}


def test_the_header_says_name_error_interval_floor_and_rows() -> None:
    report = random_report()
    ece = replace(report["ece"], value=0.12624, corrected=0.125, low=0.116, high=0.137, floor=0.0093, floor_high=0.0133)
    dump = replace(report.dumps[0], n=5000, metrics={**report.dumps[0].metrics, "ece": ece})
    lines = header(reliability_figure(replace(report, dumps=(dump,))))
    assert lines == [
        "toy.npz",
        "ECE 12.62 %, corrected 12.50 [95 %: 11.60, 13.70]",
        "if calibrated 0.93 (≤ 1.33) · n = 5,000",
    ]
    narrow = header(reliability_figure(replace(report, dumps=(dump,) * 5)))
    assert narrow == ["toy.npz", "ECE 12.62 %", "n = 5,000"]  # no biased value before an interval for the true one
    wider = header(reliability_figure(replace(report, dumps=(dump,) * 2)))
    assert wider[1:] == ["ECE 12.62 %, corrected 12.50 [95 %: 11.60, 13.70]", "if calibrated 0.93 (≤ 1.33) · n = 5,000"]


def test_an_error_without_interval_floor_or_value_is_said_without() -> None:
    report = random_report()
    for ece, line in ((MetricResult("ece", 0.5), "ECE 50.00 %"), (MetricResult("ece", None, reason="why"), "ECE –")):
        dump = replace(report.dumps[0], metrics={"ece": ece})
        assert header(reliability_figure(replace(report, dumps=(dump,))))[1:] == [line, "n = 400"]
    dump = replace(report.dumps[0], metrics={})
    assert header(reliability_figure(replace(report, dumps=(dump,))))[1] == "ECE –"


def counts(figure: Figure) -> list[str]:
    return [text.get_text() for text in axes_of(figure, "histogram").texts if text.get_label() == "quiet"]


def test_counts_stand_under_the_bins_where_there_is_room() -> None:
    few = report_of([0.95] * 3903 + [0.45] * 20, [1] * 3923)
    assert counts(reliability_figure(few)) == ["20", "3.9k"]
    many = random_report(bins=100)
    assert 0 < len(counts(reliability_figure(many))) < len(filled(many.dumps[0]))


def test_the_legend_names_every_mark() -> None:
    one = words(reliability_figure(random_report()))
    marks = ["accuracy", "gap, over-confident", "95 % range if calibrated"]
    assert [text for text in one if text in marks] == marks
    assert "mean confidence" not in one
    five = words(reliability_figure(joined(*[random_report(seed) for seed in range(5)])))
    assert {*marks, "accuracy of all rows", "mean confidence"} <= {*five}


@pytest.mark.parametrize("format_", ["svg", "png", "pdf"])
def test_the_same_report_gives_the_same_bytes(format_) -> None:
    report = random_report()
    figure = reliability_figure(report)
    first = figure_bytes(figure, format_)
    assert figure_bytes(figure, format_) == first
    with mpl.rc_context({"font.size": 20, "hatch.linewidth": 3, "axes.facecolor": "black", "svg.fonttype": "none"}):
        assert figure_bytes(reliability_figure(report), format_) == first


def test_another_process_and_order_give_the_same_bytes() -> None:
    report = random_report(n=40)
    script = (
        "import sys, hashlib\n"
        "from calibeval.core.report.report import Report\n"
        "from calibeval.render.figure.figure import figure_bytes, reliability_figure\n"
        "figure = reliability_figure(Report.from_json(sys.stdin.read()))\n"
        "for kind in ('pdf', 'svg', 'png'):\n"
        "    print(hashlib.sha256(figure_bytes(figure, kind)).hexdigest())\n"
        "print('matplotlib.pyplot' in sys.modules)\n"
    )
    environment = {**os.environ, "MPLBACKEND": "pdf"}
    environment["PYTHONPATH"] = os.pathsep.join(sys.path)
    answers = [
        subprocess.run(
            [sys.executable, "-c", script],
            input=report.to_json(),
            env={**environment, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("7", "8")
    ]
    assert answers[0] == answers[1]
    assert answers[0].endswith("False\n")


def test_global_settings_stay_as_they_are() -> None:
    before = dict(mpl.rcParams)
    figure_bytes(reliability_figure(random_report()), "svg")
    assert dict(mpl.rcParams) == before


def test_formats_are_what_they_say_and_carry_no_date() -> None:
    figure = reliability_figure(random_report())
    assert figure_bytes(figure, "png").startswith(b"\x89PNG")
    pdf, svg = figure_bytes(figure, "pdf"), figure_bytes(figure, "svg")
    assert pdf.startswith(b"%PDF")
    assert b"CreationDate" not in pdf
    assert b"<dc:date>" not in svg
    assert b"<text" not in svg
    title = ET.fromstring(svg).findtext("{http://www.w3.org/2000/svg}title")  # noqa: S314 - our own file
    assert title is not None
    assert title.startswith("Reliability diagram. toy.npz: accuracy ")


def test_saving_writes_the_same_bytes_to_a_path_or_a_buffer(tmp_path) -> None:
    figure, buffer = reliability_figure(random_report()), io.BytesIO()
    save_figure(figure, tmp_path / "a.svg", "svg")
    save_figure(figure, buffer, "svg")
    assert (tmp_path / "a.svg").read_bytes() == buffer.getvalue() == figure_bytes(figure, "svg")


def test_an_unknown_format_is_refused() -> None:
    with pytest.raises(UsageError, match=r'format "sgv" is unknown \(did you mean "svg"\?\)'):
        figure_bytes(reliability_figure(random_report()), "sgv")


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("dumps", [1, 3])
def test_no_name_breaks_a_figure(name: str, dumps: int) -> None:
    figure = reliability_figure(renamed(random_report(n=40, bins=3), *[name] * dumps))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        svg = figure_bytes(figure, "svg")
        for kind in ("png", "pdf") if dumps == 1 else ():  # more panels are more of the same text
            figure_bytes(figure, kind)
    tags = {element.tag.rpartition("}")[2] for element in ET.fromstring(svg).iter()}  # noqa: S314 - our own file
    assert "script" not in tags
    for text in figure.findobj(Text):
        assert not text.get_parse_math()
        assert text.get_text().isprintable()
    title, panel = header(figure)[0], axes_of(figure, "reliability").get_position().width * figure.get_figwidth()
    assert title
    assert text_width(title, 8.0 if dumps == 1 else 0.87 * 8.0, bold=True) <= 72 * panel


def test_a_harmless_name_is_the_title_as_it_is() -> None:
    assert header(reliability_figure(renamed(random_report(), r"$\bad{$ <b>#val")))[0] == r"$\bad{$ <b>#val"


def test_different_dumps_keep_different_titles() -> None:
    long = "a-very-long-name-that-never-ever-fits" * 3
    for names in (
        [f"{long}{i}{long}" for i in range(5)],
        [f"runs/{i}/test.npz#val" for i in range(5)],
        [f"/data/{long}.npz#noise_{i}" for i in range(5)],
    ):
        figure = reliability_figure(renamed(random_report(), *names))
        assert len({header(figure, i)[0] for i in range(5)}) == 5
    assert header(figure, 3)[0] == "#noise_3"


@pytest.mark.parametrize("dumps", [2, 3, 5, 7, 20])
def test_several_dumps_are_small_multiples_on_one_scale(dumps: int) -> None:
    report = joined(*[random_report(seed, shift=0.01 * seed, name=f"{seed}.npz") for seed in range(dumps)])
    figure = reliability_figure(report)
    assert len(figure.axes) == 2 * dumps
    assert [header(figure, i)[0] for i in range(dumps)] == [f"{i}.npz" for i in range(dumps)]
    lower = [axes_of(figure, "histogram", i) for i in range(dumps)]
    for axes in lower:
        assert axes.get_ylim() == pytest.approx(lower[0].get_ylim())
        assert axes.get_position().size == pytest.approx(lower[0].get_position().size)
    for i, dump in enumerate(report.dumps):
        heights = [bar.get_height() for bar in boxes(axes_of(figure, "reliability", i), "bar")]
        assert heights == pytest.approx([100 * accuracy for _, _, accuracy, _, _ in filled(dump)])
    columns = len({round(axes.get_position().x0, 9) for axes in lower})
    assert columns <= 5
    assert words(figure).count("Confidence (%)") == columns
    assert words(figure).count("Accuracy (%)") == -(-dumps // columns)


@pytest.mark.parametrize("width", [2.0, 3.25, 7.0])
@pytest.mark.parametrize("dumps", [1, 4, 6])
def test_nothing_leaves_the_page_or_lies_on_something_else(width: float, dumps: int) -> None:
    figure = reliability_figure(joined(*[random_report(name="dump.npz#test")] * dumps), width_inches=width)
    assert figure.get_figwidth() == width
    figure.draw_without_rendering()
    page = figure.bbox
    texts = [text for text in figure.findobj(Text) if text.get_visible() and text.get_text()]
    shown = [text.get_window_extent() for text in texts if _is_shown(text)]
    for box in shown:
        assert page.x0 - 1 <= box.x0 <= box.x1 <= page.x1 + 1
        assert page.y0 - 1 <= box.y0 <= box.y1 <= page.y1 + 1
    if width > 2.0:
        for first, second in combinations(shown, 2):
            assert not _overlap(first, second)
    for axes in figure.axes:
        assert axes.get_position().height > 0


def _is_shown(text: Text) -> bool:
    """Whether it is drawn: labels of ticks that are switched off are not."""
    axes = text.axes
    if axes is None:
        return True
    hidden = [tick.label1 for axis in (axes.xaxis, axes.yaxis) for tick in axis.get_major_ticks()]
    return text not in hidden or text.get_visible()


def _overlap(first, second) -> bool:
    across = min(first.x1, second.x1) - max(first.x0, second.x0)
    along = min(first.y1, second.y1) - max(first.y0, second.y0)
    return across > 1 and along > 0.35 * min(first.height, second.height)


def test_dumps_beyond_sixty_are_counted_not_drawn() -> None:
    figure = reliability_figure(joined(*[report_of([0.7], [1], bins=1)] * 64))
    assert len(figure.axes) == 120
    assert "and 4 more dumps" in words(figure)


@pytest.mark.parametrize(
    ("confidence", "correct", "bins"),
    [
        ([0.7], [1], 15),
        ([1.0], [0], 15),
        ([1.0] * 50, [1] * 50, 15),
        ([1.0] * 50, [0] * 50, 15),
        ([0.0] * 5, [0] * 5, 15),
        ([0.5] * 8, [1, 0] * 4, 15),
        ([0.2, 0.4, 0.9] * 10, [1] * 30, 15),
        (np.linspace(0.0, 1.0, 1000), [1, 0] * 500, 100),
        (np.linspace(0.0, 1.0, 1000), [1, 0] * 500, 1),
    ],
)
def test_edge_cases_are_drawn(confidence, correct, bins: int) -> None:
    report = report_of(confidence, correct, bins=bins)
    for each, kinds in ((report, ("svg", "png")), (joined(report, report), ("svg",))):
        figure = reliability_figure(each)
        for kind in kinds:
            assert figure_bytes(figure, kind)
        bars = boxes(axes_of(figure, "reliability"), "bar")
        assert len(bars) == len(filled(report.dumps[0]))


def test_perfect_calibration_has_no_gap() -> None:
    axes = axes_of(reliability_figure(report_of([0.5] * 8, [1, 0] * 4)), "reliability")
    assert boxes(axes, "gap over", "gap under") == []


def test_of_two_classes_the_positive_one_is_drawn() -> None:
    report = public_evaluate(probs=[[0.9, 0.1]] * 30 + [[0.3, 0.7]] * 10, labels=[0] * 27 + [1] * 13)
    figure = reliability_figure(report)
    bars = boxes(axes_of(figure, "reliability"), "bar")
    assert [bar.get_height() for bar in bars] == pytest.approx([10.0, 100.0])
    assert {"P(class 1) (%)", "Share of class 1 (%)"} <= {*words(figure)}
    assert header(figure)[1].startswith(f"ECE P(pos) {100 * report['ece_positive'].value:.2f} %")


def test_one_class_and_full_scores_are_drawn() -> None:
    figure = reliability_figure(evaluate(Predictions(probs=[[1.0, 0.0, 0.0]] * 3, labels=[0, 0, 0])))
    assert [bar.get_height() for bar in boxes(axes_of(figure, "reliability"), "bar")] == [100.0]
    rng = np.random.default_rng(1)
    full = evaluate(Predictions(logits=rng.normal(size=(60, 4)), labels=rng.integers(0, 4, 60)), level=None)
    assert header(reliability_figure(full))[1].startswith("ECE ")


def test_what_cannot_be_drawn_is_refused() -> None:
    with pytest.raises(InputError, match="no dumps with rows"):
        reliability_figure(replace(random_report(), dumps=()))
    with pytest.raises(UsageError, match=r"width_inches is 0\.2, but it must lie between 2 and 40"):
        reliability_figure(random_report(), width_inches=0.2)
