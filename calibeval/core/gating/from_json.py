"""Reading saved verdicts; what the JSON does not contain stays unknown."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, get_args

from calibeval.core.data.documents import Place, read_document
from calibeval.core.data.environment import Environment
from calibeval.core.data.notices import Notice, read_notice
from calibeval.core.data.records import read_as, read_record
from calibeval.core.errors import UsageError
from calibeval.core.gating.rules import OF_CELLS, RULE_KINDS, Decide, GateSettings, OnInconclusive, Rule, Severity
from calibeval.core.gating.ruling import Judged, Outcome, Outlook, RuleVerdict, Why
from calibeval.core.gating.verdict import EARLIER, SCHEMA, Verdict
from calibeval.core.metrics.possible import check_order
from calibeval.core.report.settings import Settings

OUTCOMES = get_args(Outcome)


def verdict_from_json(text: str | bytes) -> Verdict:
    """The verdict that `to_json` wrote; its `to_json` gives the same text again. Bytes are UTF-8.

    Raises: InputError if the text is not a verdict, naming the first invalid field.
    """
    return read_document(text, (SCHEMA, EARLIER), "verdict", _verdict)


def _verdict(whole: Place) -> Verdict:
    """The verdict of a document."""
    settings, made = whole["settings"], whole.get("environment")
    reading = read_record(settings, Settings)
    rows = (settings.get("min_samples") or settings["min_rows"]).count()  # the name in 0.1.0
    try:
        own = GateSettings(
            on_inconclusive=_action(settings["on_inconclusive"]),
            decide=settings["decide"].one_of(get_args(Decide)),  # type: ignore[arg-type]
            level=0.95 if reading.level is None else reading.level,
            min_rows=rows,
        )
    except UsageError as error:
        settings.fail(f"is not valid: {error}")
    return Verdict(
        version=whole["version"].text(),
        settings=own,
        reading=reading if reading.slices else replace(reading, min_rows=None),
        config=read_as(settings["config"], str | None),
        dump=_object(whole["dump"]),
        baseline=None if whole["baseline"].value is None else _object(whole["baseline"]),
        paired_by=read_as(whole["paired_by"], str | None),
        rules=whole["rules"].each(lambda rule: _rule(rule, own)),
        warnings=read_as(whole["warnings"], tuple[Notice, ...]),
        environment=None if made is None else read_as(made, Environment | None),
    )


def _object(place: Place) -> dict[str, Any]:
    """A dump as in the JSON of a comparison; 0.1.0 left out missing fields."""
    whole = {key: inner.anything() for key, inner in place.items()}
    source = {key: inner.anything() for key, inner in place["source"].items()}
    absent = {key: None for key in ("labels_path", "labels_sha256") if key not in source}
    return {**whole, "source": {**source, **absent}}


def _action(place: Place) -> OnInconclusive | None:
    return None if place.value is None else place.one_of(get_args(OnInconclusive))  # type: ignore[return-value]


def _rule(place: Place, settings: GateSettings) -> RuleVerdict:
    severity = place.get("severity") or place["level"]  # the name in 0.1.0
    try:
        rule = Rule(
            metric=place["metric"].text(),
            kind=place["kind"].one_of(RULE_KINDS),  # type: ignore[arg-type]
            limit=place["limit"].number(),
            severity=severity.one_of(get_args(Severity)),  # type: ignore[arg-type]
            slice=read_as(place["slice"], str | None),
            relative=place["relative"].truth(),
            **{name: None if (own := place.get(name)) is None else read_as(own, str | None) for name in OF_CELLS},
        )
    except UsageError as error:
        place.fail(f"is not a valid rule: {error}")
    verdict: Any = place["verdict"].one_of((*OUTCOMES, "off"))
    part = None
    if any(place[name].value is not None for name in ("n", "value", "baseline", "threshold")):
        part = _part(place, read_as(place["worst_slice" if rule.of_each else "slice"], str | None))
    why, asked = place["why"], place.get("on_inconclusive")
    return RuleVerdict(
        rule=rule,
        verdict=verdict,
        reason=read_notice(place["reason"]),
        decisive=part,
        slices=place["slices"].each(lambda one: _part(one, read_as(one["slice"], str | None))),
        why=None if why.value in (None, []) else read_record(why, Why),
        on_inconclusive=(None if asked is None else _action(asked)) or settings.on_inconclusive or "fail",
    )


def _part(place: Place, name: str | None) -> Judged:
    def number(key: str) -> float | None:
        found = place.get(key)
        return None if found is None or found.value is None else found.number()

    def count(key: str) -> int | None:
        found = place.get(key)
        return None if found is None or found.value is None else found.count()

    n = place["n"]
    outlook = Outlook(
        number("pass_chance"),
        count("rows_needed"),
        count("rows_needed_low"),
        count("rows_needed_high"),
        count("rows_to_detect"),
    )
    outcome: Any = place["verdict"].one_of(OUTCOMES)
    found = Judged(
        slice=name,
        n=None if n.value is None else n.count(),
        value=number("value"),
        low=number("low"),
        high=number("high"),
        centre=number("corrected"),
        baseline=number("baseline"),
        threshold=number("threshold"),
        verdict=outcome,
        reason=read_notice(place["reason"]),
        interval_level=number("interval_level"),
        plain_low=number("plain_low"),
        plain_high=number("plain_high"),
        outlook=None if outlook == Outlook() else outlook,
    )
    check_order(place, found, "low", "high")
    return found
