"""A fitted map in words, for the terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from calibeval.words.cells import label
from calibeval.words.names import visible

MOST_NAMED = 5


def describe_map(document: Mapping[str, Any], name: str, numbers: Mapping[str, tuple[float, float]]) -> str:
    """The map, what it was fitted on, and NLL and other metrics of the fitted rows before and after.

    document: the map's JSON object. numbers: metrics in percent, as fractions, before and after.
    """
    lines = [f"{_title(document)}, fitted on {visible(name)} ({document['fitted_on']['n']:,} rows)"]
    of = " of right or wrong" if document["k"] is None else "      "
    lines.append(f"NLL{of} {_nats(document['nll_before'])} → {_nats(document['nll_after'])} nats")
    lines += [
        f"{label(metric):<8}  {100 * before:.2f} → {100 * after:.2f} %" for metric, (before, after) in numbers.items()
    ]
    if document.get("clipped"):
        lines.append(
            f"{document['clipped']:,} rows had their label's probability raised to {document['parameters']['clip']:g}"
        )
    lines += _prior(document)
    lines += [f"note: {document['note']}"] if document.get("note") else []
    lines += _table(document.get("selection", ()))
    return "\n".join(lines) + "\n"


def _nats(nll: float) -> str:
    return f"{nll:.5f}" if nll < 1e6 else f"{nll:.6g}"


def _title(document: Mapping[str, Any]) -> str:
    method, parameters = document["method"], document["parameters"]
    if method == "temperature":
        return f"temperature {parameters['temperature']:.6g}"
    return str(method)


def _prior(document: Mapping[str, Any]) -> list[str]:
    """The shares of the classes that the map is for, where they were given."""
    prior = document["parameters"].get("prior")
    if prior is None:
        return []
    names = [visible(str(name)) for name in document["class_names"] or range(document["k"])]
    every = zip(names, prior["used"], prior["fitted"], strict=True)
    said = [f"{name} {100 * used:.3g} % ({100 * fitted:.3g} %)" for name, used, fitted in every][:MOST_NAMED]
    more = ", ..." if len(names) > MOST_NAMED else ""
    measured = "the numbers above are for the fitted rows and their shares, without the prior of use"
    return [f"prior of use (of the fitted rows): {', '.join(said)}{more}", measured]


def _table(selection: Any) -> list[str]:
    """The candidates of method auto: cross-validated NLL, and how far above the best it is."""
    if not selection:
        return []
    wide = max(12, *(len(row["method"]) for row in selection))
    lines = ["", f"{'method':<{wide}}  held-out NLL   above best   standard error"]
    for row in selection:
        mark = "  chosen" if row.get("chosen") else ""
        if row.get("nll") is None:
            lines.append(f"{row['method']:<{wide}}  {(row.get('reason') or {}).get('message', 'could not be fitted')}")
        else:
            lines.append(
                f"{row['method']:<{wide}}  {row['nll']:12.5f}   {row.get('excess') or 0.0:10.5f}"
                f"   {row.get('standard_error') or 0.0:14.5f}{mark}"
            )
    return lines
