"""The warning that training had not converged, and what to do."""

from __future__ import annotations

import math
from collections.abc import Sequence

from calibeval.core.data.notices import Notice, warning
from calibeval.training.settings import AFTER
from calibeval.training.sweep import Trained

LEAST_GAIN = 0.01  # of the score: less is not worth another training
CHANCE = 0.1  # nats, over the root of the number of rows of VAL: less may be chance


def not_converged(who: str, trained: Trained, rows: int, *, select: str, tuned: bool) -> list[Notice]:
    """The warning, where going on in one straight line gives a score on VAL that is clearly better.

    rows: of VAL. select: what the score is. tuned: whether the learning rate was chosen by --tune.
    """
    gain = trained.score - trained.further
    if not gain > max(LEAST_GAIN * trained.score, CHANCE / math.sqrt(rows)):
        return []
    what = "raise --epochs" if tuned else "raise --epochs or --lr"
    score = "NLL on VAL after its temperature" if select == AFTER else "NLL on VAL"
    text = (
        f"{who}: training had not converged: a longer step in the same direction lowers the {score} from "
        f"{trained.score:.3g} to {trained.further:.3g}; {what}"
    )
    return [warning("not_converged", text)]


def merged(notices: Sequence[Notice]) -> list[Notice]:
    """The notices; those that say of several heads that training had not converged, with the same numbers, are one.

    >>> said = [warning("not_converged", f"{name}: training had not converged") for name in ("ce", "mbls", "acls")]
    >>> merged(said)
    ['ce, mbls and acls: training had not converged']
    """
    heads: dict[str, list[str]] = {}
    for one in notices:
        who, _, text = one.partition(": ")
        if one.code == "not_converged":
            heads.setdefault(text, []).append(who)
    found: list[Notice] = []
    for one in notices:
        who, _, text = one.partition(": ")
        if one.code != "not_converged":
            found.append(one)
        elif who == heads[text][0]:
            *first, last = heads[text]
            names = f"{', '.join(first)} and {last}" if first else last
            found.append(one.reworded(f"{names}: {text}"))
    return found
