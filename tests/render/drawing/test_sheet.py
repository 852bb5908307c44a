"""Figures as SVG: the same marks and sizes as asked for, nothing on anything else, the same bytes."""

import re
import subprocess
import sys
from dataclasses import replace
from itertools import combinations, pairwise
from xml.etree import ElementTree as ET  # the SVGs are our own

import numpy as np
import pytest

from calibeval import evaluate
from calibeval.core.errors import InputError, UsageError
from calibeval.render.drawing.captions import COUNT_GAP, counted
from calibeval.render.drawing.letters import printable, text_width
from calibeval.render.drawing.looks import BAR, LOOKS, OVER_FILL, PAPER, RANGE, RIBBON, UNDER_FILL
from calibeval.render.drawing.marks import Text
from calibeval.render.drawing.sheet import reliability_sheet
from calibeval.render.drawing.svg import sheet_svg
from tests.conftest import ROOT
from tests.render.hand_made import HOSTILE, bins, over_confident, report

SVG = "{http://www.w3.org/2000/svg}"


def measured(seed=0, n=3_000, k=6, scale=1.6):
    rng = np.random.default_rng(seed)
    z = rng.normal(0, 2, (n, k))
    return evaluate(logits=scale * z, labels=(z + rng.gumbel(size=z.shape)).argmax(axis=1)).dumps[0]


def several(count, **changes):
    dump = measured()
    return report(*(replace(dump, name=f"run_{i}.npz#test", **changes) for i in range(count)))


def drawn(found, inches=None):
    return ET.fromstring(sheet_svg(reliability_sheet(found, inches)))  # noqa: S314 - our own


@pytest.mark.parametrize("inches", [2.0, 3.5, 7.0])
def test_the_width_is_that_which_was_asked_for(inches):
    root = drawn(several(2), inches)
    assert root.get("width") == f"{72 * inches:g}pt"
    assert root.get("viewBox") == f"0 0 {72 * inches:g} {root.get('height')[:-2]}"


def test_one_dump_is_a_column_and_several_are_a_page():
    assert [drawn(several(count)).get("width") for count in (1, 2)] == ["252pt", "504pt"]


def boxes(sheet):
    """The texts of a sheet that are placed by hand, as (left, bottom, right, top)."""
    every = [(mark, 0.0, 0.0, 1.0, 1.0) for mark in sheet.marks]
    for panel in sheet.panels:
        f = panel.frame
        every += [(mark, f.x, f.y, f.width, f.height) for mark in panel.marks]
    found = []
    for mark, x, y, width, height in every:
        if isinstance(mark, Text):
            across = text_width(mark.words, mark.size, bold=mark.bold)
            left = x + width * mark.place[0] + mark.dx
            left -= {"start": 0.0, "middle": 0.5, "end": 1.0}[mark.anchor] * across
            base = y + height * mark.place[1] + mark.dy
            found.append((left, base, left + across, base + 0.75 * mark.size, mark.words))
    return found


@pytest.mark.parametrize("inches", [3.5, 5.0, 7.0])
@pytest.mark.parametrize("count", [1, 2, 3, 6, 20])
def test_no_text_leaves_the_figure_or_lies_on_another(count, inches):
    sheet = reliability_sheet(several(count), inches)
    texts = boxes(sheet)
    for left, bottom, right, top, words in texts:
        assert left >= -0.5, words
        assert right <= sheet.width + 0.5, words
        assert bottom >= 0, words
        assert top <= sheet.height + 0.1, words
    for one, other in combinations(texts, 2):
        across = min(one[2], other[2]) - max(one[0], other[0])
        along = min(one[3], other[3]) - max(one[1], other[1])
        assert across <= 0.5 or along <= 0.5, (one[4], other[4])


@pytest.mark.parametrize("count", [1, 2, 6])
def test_every_text_is_large_enough_for_a_paper(count):
    sizes = [float(text.get("font-size")) for text in drawn(several(count), 3.5).iter(f"{SVG}text")]
    assert min(sizes) >= 5.0


def test_row_counts_never_run_together():
    table = bins(*[(10 ** (i % 5) + 100, (i + 0.5) / 15, 0.5) for i in range(15)])
    for room in (60.0, 100.0, 150.0, 400.0):
        kept = counted(table, room, lambda words: text_width(words, 5.5))
        ends = [(0.5 * (b.lower + b.upper) * room, 0.5 * text_width(words, 5.5)) for b, words in kept]
        assert all(b - a >= wide + wider + COUNT_GAP - 1e-9 for (a, wide), (b, wider) in pairwise(ends))
        assert max(table, key=lambda b: b.count) in [b for b, _ in kept]


def test_counts_of_all_bins_are_written_where_they_fit():
    kept = counted(over_confident().equal_width, 300.0, lambda words: text_width(words, 6.0))
    assert [words for _, words in kept] == ["200", "800"]


def test_title_and_description_are_inside():
    root = drawn(several(1))
    assert root.findtext(f"{SVG}title") == "Reliability diagram of run_0.npz#test"
    assert root.findtext(f"{SVG}desc").startswith("Reliability diagram. run_0.npz#test: accuracy ")
    assert root.get("aria-labelledby") == "title description"


def test_fonts_are_generic_and_nothing_is_loaded():
    text = sheet_svg(reliability_sheet(several(2)))
    assert "font-family=\"Helvetica, Arial, 'DejaVu Sans', sans-serif\"" in text
    assert "href" not in text
    assert "<style" not in text
    assert re.findall(r"url\(([^)]*)\)", text) == [f"#{sign}" for sign in re.findall(r"url\(#(over|under)\)", text)]


@pytest.mark.parametrize("name", HOSTILE)
def test_no_name_breaks_the_file(name):
    plain = [one.tag for one in drawn(report(over_confident(name="plain"))).iter()]
    assert [one.tag for one in drawn(report(over_confident(name=name))).iter()] == plain


def test_invisible_and_foreign_letters_are_shown_or_replaced():
    assert printable("\u202ea\ud800\x00b\ufffe") == "\ufffda\ufffd\ufffdb\ufffd"
    assert printable("\u6a21\u578b") == "\u6a21\u578b"


def test_widths_are_at_least_those_of_the_widest_usual_font():
    from calibeval.render.figure.backend import import_matplotlib  # noqa: PLC0415

    import_matplotlib()
    from matplotlib.textpath import TextPath  # noqa: PLC0415

    text = "ECE 12.62 % [11.60, 13.70] · n = 5,000 (≤ 1.33) – abcdefghijklmnopqrstuvwxyz_#"
    assert text_width(text, 100.0) >= TextPath((0, 0), text, size=100).get_extents().width
    assert text_width(text, 100.0) <= 1.1 * TextPath((0, 0), text, size=100).get_extents().width


def luminance(colour):
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("ground", [PAPER, BAR, RIBBON, OVER_FILL, UNDER_FILL])
def test_what_a_calibrated_model_would_show_is_seen_on_any_ground(ground):
    assert LOOKS["range"].stroke == LOOKS["edge"].stroke == RANGE
    assert contrast(RANGE, ground) >= 3.0


def test_the_page_has_the_same_contrasts_in_light_and_dark():
    style = (ROOT / "calibeval" / "render" / "templates" / "report.css").read_text()
    pairs = re.findall(r"--([a-z-]+): light-dark\((#[0-9a-f]+), (#[0-9a-f]+)\);", style)
    for theme in ({key: light for key, light, _ in pairs}, {key: dark for key, _, dark in pairs}):
        full = {
            key: value if len(value) == 7 else "#" + "".join(2 * c for c in value[1:]) for key, value in theme.items()
        }
        for ground in ("paper", "bar", "band", "over-fill", "under-fill"):
            assert contrast(full["edge"], full[ground]) >= 3.0, ground


def test_bars_of_different_weight_and_both_hatches_differ_in_grey():
    root = drawn(several(1))
    turns = [one.get("patternTransform") for one in root.iter(f"{SVG}pattern")]
    assert turns == ["rotate(45)", "rotate(-45)"]


def test_another_process_gives_the_same_bytes():
    found = several(2)
    script = (
        "import sys, hashlib; from calibeval.core.report.report import Report\n"
        "from calibeval.render.drawing.sheet import reliability_sheet\n"
        "from calibeval.render.drawing.svg import sheet_svg\n"
        "print(hashlib.sha256(sheet_svg(reliability_sheet(Report.from_json(sys.stdin.read()))).encode()).hexdigest())\n"
        "print('matplotlib' in sys.modules)"
    )
    answers = {
        subprocess.run(
            [sys.executable, "-c", script],
            input=found.to_json(),
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(answers) == 1
    assert answers.pop().endswith("False\n")


def test_dumps_beyond_sixty_are_counted_not_drawn():
    sheet = reliability_sheet(report(*[over_confident()] * 64))
    assert len(sheet.panels) == 120
    assert "and 4 more dumps" in [mark.words for mark in sheet.marks if isinstance(mark, Text)]


def test_panels_share_their_axes():
    sheet = reliability_sheet(report(measured(), over_confident()))
    lower = [panel for panel in sheet.panels if panel.kind == "histogram"]
    assert lower[0].top == lower[1].top
    assert lower[0].up == lower[1].up
    assert [panel.y_numbered for panel in lower] == [True, False]


def test_confidences_stand_under_every_diagram():
    sheet = reliability_sheet(several(6), 7.0)
    assert all(panel.x_numbered for panel in sheet.panels if panel.kind == "reliability")


def test_what_cannot_be_drawn_is_refused():
    with pytest.raises(InputError, match="no dumps with rows"):
        reliability_sheet(report())
    with pytest.raises(UsageError, match=r"width_inches is 41, but it must lie between 2 and 40"):
        reliability_sheet(report(over_confident()), 41)
