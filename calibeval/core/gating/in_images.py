"""How many images would decide a rule about them, where its reasons speak of rows."""

from __future__ import annotations

import math
import re
from dataclasses import replace

from calibeval.core.data.notices import Notice
from calibeval.core.gating.ruling import Judged, RuleVerdict

_ROWS = re.compile(r"about ([\d,]+) rows (?:of it )?would decide")


def in_images(rule: RuleVerdict, share: float) -> RuleVerdict:
    """The verdict of a rule whose reasons speak of images. share: images for each pixel."""

    def told(reason: Notice) -> Notice:
        def images(match: re.Match[str]) -> str:
            return f"about {math.ceil(int(match[1].replace(',', '')) * share):,} images would decide"

        return reason.reworded(_ROWS.sub(images, reason))

    def part(one: Judged) -> Judged:
        return replace(one, reason=told(one.reason))

    decisive = None if rule.decisive is None else part(rule.decisive)
    return replace(rule, reason=told(rule.reason), decisive=decisive, slices=tuple(map(part, rule.slices)))
