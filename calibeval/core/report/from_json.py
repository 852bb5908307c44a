"""How a field of a report is read whose type does not say what it holds."""

from __future__ import annotations

from typing import Any

from calibeval.core.data.documents import Place


def parameters(place: Place) -> dict[str, Any]:
    """The parameters of a map of any method; the temperature, which is shown, is a number.

    Raises: Wrong for anything else.
    """
    temperature = place.get("temperature")
    if temperature is not None:
        temperature.number()
    return {key: one.anything() for key, one in place.items()}
