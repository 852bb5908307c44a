"""How those fields of a report are read whose types do not say what they hold."""

from __future__ import annotations

from typing import Any

from calibeval.core.data.documents import Place


def parameters(place: Place) -> dict[str, Any]:
    """The parameters of a map of any method; the temperature, which is shown, is a number.

    Raises: Wrong for anything else.
    """
    return _with_numbers(place, "temperature")


def fitted_on(place: Place) -> dict[str, Any]:
    """What a map was fitted on; its rows and folds, which are shown, are numbers.

    Raises: Wrong for anything else.
    """
    return _with_numbers(place, "n", "folds")


def _with_numbers(place: Place, *keys: str) -> dict[str, Any]:
    """An object of anything, but of numbers where these keys are there."""
    for one in filter(None, map(place.get, keys)):
        one.number()
    return {key: one.anything() for key, one in place.items()}
