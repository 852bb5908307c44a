"""Losses side by side as Markdown, LaTeX and CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable

from calibeval.core.heads.deployed import DEPLOYED
from calibeval.core.heads.results import OVERLAP, SHOWN, Finetuned
from calibeval.render.tables import latex, markdown
from calibeval.words.deployed import against_deployed
from calibeval.words.losses import Mark, MarkedCell, halves, legend, notes, overlap, paired
from calibeval.words.names import visible


def as_markdown(found: Finetuned) -> str:
    """The table in Markdown, both halves side by side."""
    (before, after), images = halves(found), overlap(found)
    heads = ["loss", *before.headings, *(f"{name}, after T" for name in after.headings)]
    heads += () if images is None else images.headings
    lines = [markdown.table_row(heads), markdown.table_row([":--", *("--:" for _ in heads[1:])])]
    for i, ((name, first), (_, second)) in enumerate(zip(before.rows, after.rows, strict=True)):
        third = () if images is None else images.rows[i][1]
        numbers = [_marked(cell, "**{}**".format, "<u>{}</u>".format) for cell in (*first, *second, *third)]
        lines.append(markdown.table_row([markdown.escape(name), *numbers]))
    return "\n".join([*lines, "", *(f"- {markdown.escape(note)}" for note in _lines(found))]) + "\n"


def as_latex(found: Finetuned) -> str:
    """The table as a `tabular` in the style of booktabs."""
    (before, after), images = halves(found), overlap(found)
    first, second = len(before.headings), len(after.headings)
    top = rf" & \multicolumn{{{first}}}{{c}}{{before}} & \multicolumn{{{second}}}{{c}}{{after temperature scaling}}"
    more = () if images is None else images.headings
    if more:
        top += rf" & \multicolumn{{{len(more)}}}{{c}}{{overlap}}"
    heads = ["loss", *(latex.escape(name) for name in (*before.headings, *after.headings, *more))]
    lines = [f"% {visible(note)}" for note in _lines(found)]
    lines += [
        rf"\begin{{tabular}}{{l{'r' * (first + second + len(more))}}}",
        r"\toprule",
        rf"{top} \\",
        latex.table_row(heads),
        r"\midrule",
    ]
    for i, ((name, left), (_, right)) in enumerate(zip(before.rows, after.rows, strict=True)):
        line = (*left, *right, *(() if images is None else images.rows[i][1]))
        numbers = [_marked(cell, r"\textbf{{{}}}".format, r"\underline{{{}}}".format) for cell in line]
        lines.append(latex.table_row([latex.escape(name), *(number.replace("±", r"$\pm$") for number in numbers)]))
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}"]) + "\n"


def as_csv(found: Finetuned) -> str:
    """The numbers of every seed at full precision, one line per loss and seed; the deployed head has no seed."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    of_images = OVERLAP if overlap(found) is not None else ()
    writer.writerow(["loss", "seed", "temperature", *SHOWN, *(f"{name}_after" for name in SHOWN), *of_images])
    for loss in found.rows():
        for seed in loss.seeds:
            numbers = [side[name] for side in (seed.before, seed.after) for name in SHOWN]
            numbers += [seed.value(name, after=False) for name in of_images]
            number = "" if loss.name == DEPLOYED else seed.seed
            writer.writerow([loss.name, number, _full(seed.temperature), *map(_full, numbers)])
    return text.getvalue()


LOSS_TABLES: dict[str, Callable[[Finetuned], str]] = {"md": as_markdown, "csv": as_csv, "latex": as_latex}


def _marked(cell: MarkedCell, certain: Callable[[str], str], best: Callable[[str], str]) -> str:
    return cell.text if cell.mark is Mark.NONE else (certain if cell.mark is Mark.CERTAIN else best)(cell.text)


def _lines(found: Finetuned) -> list[str]:
    """What is said under the table: the pairs, the marks, and what the numbers mean."""
    pairs = [line for line in (against_deployed(found), paired(found)) if line]
    return [*pairs, *legend(found, "bold", "underlined"), *notes(found)]


def _full(number: float | None) -> str:
    return "" if number is None else repr(number)
