"""One dump's calibration errors under every convention, side by side, as text and as JSON."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from calibeval.core.conventions.explained import CasesFacts, ImageMean, ImagesExplained
from calibeval.core.conventions.images import TITLES
from calibeval.core.conventions.metrics import Explained, explained_names
from calibeval.core.conventions.table import OWN
from calibeval.core.data.documents import json_text
from calibeval.core.data.predictions import Predictions
from calibeval.core.data.records import to_plain
from calibeval.core.metrics.result import MetricResult
from calibeval.core.report.report import Report
from calibeval.core.version import VERSION
from calibeval.words import cells
from calibeval.words.names import ascii_text, isolated, visible

SCHEMA = "calibeval.conventions/1"
_INDENT = "  "
MCE = "MCE: over all bins here, as other tools print it; reports use bins of at least 30 rows"


def render(
    predictions: Predictions | CasesFacts,
    explained: Sequence[Explained],
    images: Sequence[ImagesExplained] = (),
    *,
    width: int = 100,
    ascii_only: bool,
) -> str:
    """A table of the errors in percent, one line per convention, and below it what each does differently.

    explained, images: of these predictions. width: characters per line of the text below the table. ascii_only: only
    ASCII.
    """
    noun = "pixel" if isinstance(predictions, CasesFacts) else "row"
    title = f"{isolated(visible(predictions.source.name))} · {cells.plural(predictions.n, noun)}"
    k = predictions.k
    title += " · top label only" if k is None else f" · {cells.plural(k, 'class')}"
    lines = [title]
    if explained:
        lines += ["", *_table(explained), "", *textwrap.wrap(MCE, width, subsequent_indent=_INDENT)]
    for one in explained:
        facts = [fact for fact in one.convention.facts if k == 2 or not fact.startswith("two classes")]
        words = [f"{one.convention.name}: {'; '.join(facts)}", *one.remarks, *_reasons(one)]
        for number, text in enumerate(words):
            start = "" if number == 0 else _INDENT
            lines += textwrap.wrap(text, width, initial_indent=start, subsequent_indent=start + _INDENT)
    for found in images:
        lines += _of_images(found, width)
    text = "\n".join(lines) + "\n"
    return "".join(f"{ascii_text(line)}\n" for line in text.splitlines()) if ascii_only else text


def render_json(
    predictions: Predictions | CasesFacts, explained: Sequence[Explained], images: Sequence[ImagesExplained] = ()
) -> str:
    """The same as one JSON object; errors are fractions, and a null carries its reason."""
    source = predictions.settled_source()
    document: dict[str, object] = {
        "schema": SCHEMA,
        "version": VERSION,
        "name": predictions.source.name,
        "source": {
            **to_plain(source, *source.HELD),
            "kind": predictions.kind,
            "n": predictions.n,
            "k": predictions.k,
            "ignored": predictions.ignored,
        },
        "conventions": [
            {
                "name": one.convention.name,
                "aliases": list(one.convention.aliases),
                "bins": one.bins,
                "metrics": {name: metric.to_dict() for name, metric in one.metrics.items()},
                "facts": list(one.convention.facts),
                "remarks": list(one.remarks),
                "source": one.convention.source,
                "description": one.convention.description,
            }
            for one in explained
        ],
        **({"images": [_plain_images(one) for one in images]} if images else {}),
    }
    return json_text(document)


def note(report: Report, *, width: int, ascii_only: bool) -> str:
    r"""The line below a terminal's table that names another tool's convention; empty under calibeval's own.

    >>> from calibeval.core.report.settings import Settings
    >>> note(Report("0", Settings(convention="mbls")), width=80, ascii_only=True)
    '\n15 bins; convention mbls\n'
    >>> note(Report("0", Settings()), width=80, ascii_only=True)
    ''
    """
    if report.settings.convention == OWN:
        return ""
    words = cells.convention(report)
    lines = textwrap.wrap(ascii_text(words) if ascii_only else words, width)
    return "\n" + "".join(f"{line}\n" for line in lines)


def _table(explained: Sequence[Explained]) -> list[str]:
    header = ["convention", "bins", *(cells.heading(name) for name in explained_names())]
    rows = [
        [e.convention.name, str(e.bins), *(_number(e.metrics[name]) for name in explained_names())] for e in explained
    ]
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    return [
        "  ".join(
            cell.rjust(size) if i else cell.ljust(size) for i, (cell, size) in enumerate(zip(row, widths, strict=True))
        )
        for row in (header, *rows)
    ]


def _number(metric: MetricResult) -> str:
    """Three decimals for errors of the top label: conventions may differ in the last of them."""
    if metric.value is None or metric.name == "cwce":
        return cells.value(metric)
    return f"{100 * metric.value:.3f}"


def _of_images(found: ImagesExplained, width: int) -> list[str]:
    """The numbers of a tool that measures image by image, a line of each kind, and what they rest on."""
    convention = found.convention
    title = f"{convention.name}, mean over {cells.plural(found.images, 'image')}, {cells.plural(found.bins, 'bin')}"
    numbers = " · ".join(_mean(one) for one in found.numbers.values())
    missing = dict.fromkeys(one.reason for one in found.numbers.values() if one.reason is not None)
    reasons = [
        f"{', '.join(TITLES[one.name] for one in found.numbers.values() if one.reason == why)}: {why}"
        for why in missing
    ]
    words = [numbers, "; ".join(convention.facts), *found.remarks, *reasons, f"it hides: {convention.hides}"]
    lines = ["", title]
    for text in words:
        lines += textwrap.wrap(text, width, initial_indent=_INDENT, subsequent_indent=2 * _INDENT)
    return lines


def _mean(number: ImageMean) -> str:
    """A number in percent, NLL in nats; with the standard deviation over images if the tool prints it."""
    if number.mean is None:
        return f"{TITLES[number.name]} –"
    if number.name == "nll":
        return f"{TITLES[number.name]} {number.mean:.4f}"
    spread = "" if number.std is None else f" ± {100 * number.std:.3f}"
    return f"{TITLES[number.name]} {100 * number.mean:.3f}{spread} %"


def _plain_images(found: ImagesExplained) -> dict[str, object]:
    convention = found.convention
    return {
        "name": convention.name,
        "bins": found.bins,
        "images": found.images,
        "numbers": {name: to_plain(one, "name") for name, one in found.numbers.items()},
        "weight": convention.weight,
        "facts": list(convention.facts),
        "remarks": list(found.remarks),
        "hides": convention.hides,
        "source": convention.source,
    }


def _reasons(one: Explained) -> list[str]:
    """Why numbers are missing, where the tool has the metric."""
    missing = [m for m in one.metrics.values() if m.value is None and m.name in one.convention.metrics]
    reasons = dict.fromkeys(m.reason or "not measured" for m in missing)
    return [
        f"{', '.join(cells.label(m.name) for m in missing if (m.reason or 'not measured') == reason)}: {reason}"
        for reason in reasons
    ]
