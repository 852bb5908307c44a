"""A survey as a pandas table."""

from __future__ import annotations

import pandas as pd

from calibeval.core.survey.survey import Survey
from calibeval.render.tables.survey_rows import cell_columns


def cells_frame(survey: Survey) -> pd.DataFrame:
    """One row a cell: axes, dump, size, metrics with interval and floor; values are fractions."""
    return pd.DataFrame(cell_columns(survey))
