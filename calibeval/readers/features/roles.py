"""The role of each array of a feature cache."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from calibeval.core.errors import InputError
from calibeval.readers.meaning.keys import Keys
from calibeval.readers.meaning.roles import class_names_key, id_key, ignore_key, in_words, label_key, named_key
from calibeval.readers.stored.names import FEATURE_KEYS, LABEL_KEYS, SCORE_KEYS, prefixes, show
from calibeval.readers.stored.stored import Stored


@dataclass(frozen=True, slots=True)
class FeatureRoles:
    """The key of each role; None if there is no such array."""

    features: str
    labels: str | None
    ids: str | None
    class_names: str | None
    ignore: str | None


def find_feature_roles(
    arrays: Mapping[str, Stored],
    keys: Keys,
    *,
    file: str,
    need_labels: bool,
    external_labels: bool = False,
    external_names: bool = False,
) -> FeatureRoles:
    """The role of each array, by its name.

    need_labels: whether labels are required. external_labels: they come from another file. external_names: class
    names come from elsewhere.
    Raises: InputError if a role has no candidate, or two; the message lists them and names the option that decides.
    """
    features = _features(arrays, keys, file)
    labelled = keys.labels is not None or any(key.lower() in LABEL_KEYS for key in arrays if key != features)
    wanted = not external_labels and (need_labels or labelled)
    return FeatureRoles(
        features=features,
        labels=label_key(arrays, keys, features, file) if wanted else None,
        ids=id_key(arrays, keys, file),
        class_names=None if external_names else class_names_key(arrays, file),
        ignore=ignore_key(arrays, file),
    )


def has_features(arrays: Mapping[str, Stored], keys: Keys) -> bool:
    """Whether these arrays alone could be a feature cache."""
    return (keys.features or "") in arrays or bool(matrices(arrays))


def matrices(arrays: Mapping[str, Stored]) -> list[str]:
    """Arrays with a usual name for features and at least two axes: a single column x does not count."""
    return [key for key, stored in arrays.items() if key.lower() in FEATURE_KEYS and len(stored.shape) > 1]


def feature_prefixes(arrays: Mapping[str, Stored]) -> list[str]:
    """Prefixes of the splits in a feature cache, such as val for val_features, with labels or without."""
    endings = tuple(f"_{key}" for key in FEATURE_KEYS)
    found = dict.fromkeys(prefixes(arrays))
    for key, stored in arrays.items():
        ending = next((ending for ending in endings if key.lower().endswith(ending) and key != ending), None)
        if ending is not None and len(stored.shape) > 1:
            found[key[: -len(ending)]] = None
    return [*found]


def _features(arrays: Mapping[str, Stored], keys: Keys, file: str) -> str:
    if keys.features is not None:
        return named_key(arrays, keys, "features", file)
    candidates = matrices(arrays)
    if len(candidates) > 1:
        raise InputError(
            f"{file}: {in_words(len(candidates))} arrays could be the features: {show(arrays, candidates)}. "
            "Name one with --features-key."
        )
    if candidates:
        return candidates[0]
    if "" in arrays:
        return ""
    pair = next((key for key in arrays if key.lower() in SCORE_KEYS["logits"]), None)
    hint = "" if pair is None else f' If "{pair}" holds them, say --features-key {pair}.'
    raise InputError(
        f"{file}: no array has a usual name for features; found {show(arrays)}. Name one with --features-key.{hint}"
    )
