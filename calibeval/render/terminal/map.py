"""A fitted map in words, for the terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from calibeval.words.names import visible


def describe_map(document: Mapping[str, Any], name: str, accuracy_before: float, accuracy_after: float) -> str:
    """The map, what it was fitted on, and NLL and accuracy of the fitted rows before and after.

    document: the map's JSON object.
    """
    lines = [f"{_title(document)}, fitted on {visible(name)} ({document['fitted_on']['n']:,} rows)"]
    lines.append(f"NLL       {document['nll_before']:.5f} → {document['nll_after']:.5f} nats")
    lines.append(f"accuracy  {100 * accuracy_before:.2f} → {100 * accuracy_after:.2f} %")
    if document.get("clipped"):
        lines.append(
            f"{document['clipped']} rows had their label's probability raised to {document['parameters']['clip']:g}"
        )
    lines += [f"note: {document['note']}"] if document.get("note") else []
    lines += _table(document.get("selection", ()))
    return "\n".join(lines) + "\n"


def _title(document: Mapping[str, Any]) -> str:
    method, parameters = document["method"], document["parameters"]
    if method == "temperature":
        return f"temperature {parameters['temperature']:.6g}"
    return str(method)


def _table(selection: Any) -> list[str]:
    """The candidates of method auto: cross-validated NLL, and how far above the best it is."""
    if not selection:
        return []
    lines = ["", "method        held-out NLL   above best   standard error"]
    for row in selection:
        mark = "  chosen" if row.get("chosen") else ""
        if row.get("nll") is None:
            lines.append(f"{row['method']:<12}  {(row.get('reason') or {}).get('message', 'could not be fitted')}")
        else:
            lines.append(
                f"{row['method']:<12}  {row['nll']:12.5f}   {row.get('excess') or 0.0:10.5f}"
                f"   {row.get('standard_error') or 0.0:14.5f}{mark}"
            )
    return lines
