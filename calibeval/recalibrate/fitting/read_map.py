"""Reading a map from JSON, checked field by field."""

from __future__ import annotations

from calibeval.core.data.documents import LONGEST, Place, read_document, shown
from calibeval.core.data.records import read_as, read_record
from calibeval.core.errors import InputError, nearest
from calibeval.recalibrate.base.facts import Fitted
from calibeval.recalibrate.base.mapping import SCHEMA, Map
from calibeval.recalibrate.fitting.methods import METHODS
from calibeval.recalibrate.temperature.objectives import OBJECTIVES
from calibeval.recalibrate.temperature.optimum import BOUND_NOTES

LEAST_LOSS = 1e-6  # below 0, by rounding


def from_json(text: str | bytes) -> Map:
    """The map that `to_json` wrote; its `to_json` gives the same text again. Bytes are UTF-8.

    Raises: InputError if the text is not a map of this schema, naming the first invalid field, or if a parameter is out
    of range or has the wrong length.
    """
    return read_document(text, SCHEMA, "map", _map)


def _map(whole: Place) -> Map:
    """The map in a document; its parameters are the fields of the map's class."""
    method, k = whole["method"].text(), None if whole["k"].value is None else whole["k"].count()
    if method not in METHODS:
        known = ", ".join(METHODS)
        raise InputError(
            f"the map's method {shown(method)} is unknown{nearest(method[:LONGEST], METHODS)}; methods are {known}"
        )
    spec = METHODS[method]
    if k is None and not spec.map.takes_confidence:
        raise InputError(f"the map's k is null, but {method} needs the scores of every class")
    if k is not None and k < 2:
        raise InputError(f"the map's k is {k}, but a whole number of at least 2 is needed")
    if spec.binary and k != 2:
        raise InputError(f"{method} is for 2 classes, but the map's k is {k}")
    names: tuple[str, ...] | None = read_as(whole["class_names"], tuple[str, ...] | None)
    said = whole.get("top_label_only")
    if said is not None and said.truth() != spec.top_label:
        said.refuse("true" if spec.top_label else "false")
    if names is not None and k is not None and len(names) != k:
        raise InputError(f"the map has {len(names)} class names, but k is {k}")
    odd = next((name for name in names or () if not _is_text(name)), None)
    if odd is not None:
        raise InputError(f"the map's class name {shown(odd)} is not text: it contains half of a character")
    facts = read_record(whole, Fitted)
    _check_facts(whole, facts)
    if facts.objective not in OBJECTIVES:
        known = ", ".join(OBJECTIVES)
        raise InputError(f"the map's objective {shown(facts.objective)} is unknown; objectives are {known}")
    result = read_record(whole["parameters"], spec.map, k=k, class_names=names, fitted=facts)
    if result.clip is not None and not 0 < result.clip < 1 / (k or 2):
        raise InputError(f'parameter "clip" is {result.clip:g}, but it must lie between 0 and 1/k = {1 / (k or 2):g}')
    if result.prior is not None:
        if k is None:
            raise InputError("the map has a prior, but its k is null")
        result.prior.check(k)
    result.check()
    return result


def _check_facts(whole: Place, facts: Fitted) -> None:
    """Check that the facts of a fit go together.

    Raises: Wrong for the first that does not.
    """
    on = whole["fitted_on"]
    if facts.n < 1:
        on["n"].refuse("a number of rows, at least 1")
    if facts.clipped > facts.n:
        whole["clipped"].refuse(f"at most {facts.n}, the number of rows,")
    for name in ("nll_before", "nll_after"):
        if getattr(facts, name) < -LEAST_LOSS:
            whole[name].refuse("a number, at least 0")
    if facts.bound not in (None, *BOUND_NOTES):
        whole["bound"].refuse(f"null or one of {', '.join(BOUND_NOTES)}")


def _is_text(name: str) -> bool:
    """Whether it can be written: JSON may hold half of a character."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True
