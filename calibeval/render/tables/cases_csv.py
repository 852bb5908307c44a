"""The numbers of every image as CSV: one line per image, exact fractions."""

from __future__ import annotations

import csv
import io

from calibeval.core.errors import InputError
from calibeval.core.report.report import Report
from calibeval.render.tables.csv_table import no_formula


def render(report: Report) -> str:
    """One line for each image of each dump: its name, pixels, and every number; empty where it is undefined.

    Columns are those of all dumps, first the numbers of all classes together. Raises: InputError without images.
    """
    every = [(dump.name, dump.per_image.cases) for dump in report.dumps if dump.per_image is not None]
    known = [(name, cases) for name, cases in every if cases is not None]
    if not known:
        raise InputError("there are no images here, whose numbers --export cases writes")
    columns = list(dict.fromkeys(column for _, cases in known for column in cases.columns))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["dump", "image", "pixels", *map(no_formula, columns)])
    for name, cases in known:
        values = dict(zip(cases.columns, cases.values, strict=True))
        nothing = (None,) * len(cases.images)
        own = zip(*(values.get(column, nothing) for column in columns), strict=True)
        for image, n, row in zip(cases.images, cases.n, own, strict=True):
            writer.writerow([no_formula(name), no_formula(image), n, *row])
    return text.getvalue()
