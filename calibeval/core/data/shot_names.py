"""The names of the columns that slices by training images have."""

from __future__ import annotations

SHOTS = "shots"
SHOTS_TRUE, SHOTS_PREDICTED = f"{SHOTS}:true", f"{SHOTS}:predicted"
SHOT_COLUMNS = (SHOTS_TRUE, SHOTS_PREDICTED)
