"""What files of every format are made of by chance: names of roles, shapes, types and values, usual and odd ones."""

import numpy as np

SCORES = ("logits", "probs", "log_probs", "confidence", "scores", "softmax", "logprobs", "predictions", "p")
LABELS = ("labels", "label", "y", "targets", "label_ids", "ground_truth", "gt")
COMPANIONS = ("correct", "prediction", "predicted", "ids", "id", "filename", "class_names", "ignore_index")
INDICES = ("val_index", "test_index", "val_logits", "val_labels", "test_logits", "test_labels", "features", "site")
STRANGE = ("", " ", "a/b", "k" * 3000, "ü", "\u202e", "::error::x", "a\nb", "logit_0", "prob_max", "0", "__metadata__")
KINDS = ("f2", "f4", "f8", ">f4", ">f8", "g", "i1", "i2", ">i4", "i8", "u1", "u2", "u4", "u8", "?")
OTHER_KINDS = ("U3", "S3", ">U2", "M8[s]", "m8[D]", "c8", "c16", "V3", "U0", "S0", "M8", "m8")
SPECIAL = (np.nan, np.inf, -np.inf, 1e308, -1e308, 1.7e308, 5e-324, -0.0, 1e300, 2.0**63, -(2.0**63), 1.0, 0.0, 0.5)


class Dice:
    """Random numbers, and how odd the file is to be: rare things are rarer in a calm one."""

    def __init__(self, seed):
        self._rng = np.random.default_rng(seed)
        self.oddness = 1.0

    def calm(self):
        """Decide how odd the next file is."""
        self.oddness = (0.0, 0.1, 0.3, 1.0)[int(self._rng.integers(4))]

    def __getattr__(self, name):
        return getattr(self._rng, name)


def pick(rng, options):
    """One of the options."""
    return options[int(rng.integers(len(options)))]


def chance(rng, share):
    """Whether something of this probability happens, which is odd if it is rare."""
    if share <= 0.2:
        share *= rng.oddness
    elif share >= 0.8:
        share = 1 - (1 - share) * rng.oddness
    return bool(rng.random() < share)


def names(rng):
    """Keys of a file: usually scores and labels, and a few others."""
    if rng.random() < 0.6:
        usual = [pick(rng, (*SCORES[:2], "log_probs")), pick(rng, LABELS[:2])]
        return [*usual, *(one for one in ("ids", "site", "class_names", "val_index") if rng.random() < 0.2)]
    if rng.random() < 0.2:
        return ["confidence", *pick(rng, (("correct",), ("prediction", "label"), ("prediction", "label", "correct")))]
    found = []
    if chance(rng, 0.9):
        found.append(pick(rng, SCORES))
    if chance(rng, 0.9):
        found.append(pick(rng, LABELS))
    kinds = (SCORES, LABELS, COMPANIONS, COMPANIONS, INDICES, STRANGE)
    found += [pick(rng, pick(rng, kinds)) for _ in range(int(rng.integers(5)))]
    return list(dict.fromkeys(found)) or ["logits"]


def rows_and_classes(rng):
    """Sizes of a small dump."""
    return 20 if rng.random() < 0.6 else pick(rng, (0, 1, 2, 5, 20)), pick(rng, (1, 2, 2, 3, 3, 5))


def shape_of(name, n, k, rng):
    """The shape of what has that name: usually the right one."""
    right = (n, k) if name in SCORES[:3] or "logits" in name or name == "features" else (n,)
    if name == "class_names":
        right = (k,)
    if name == "ignore_index":
        right = ()
    if chance(rng, 0.8):
        return right
    odd = ((), (n,), (n, 1), (n, k), (k, n), (n, k, 1), (n, k, 2, 2), (n, 2, 2, k), (n, 2, 2), (n + 1,), (n, k + 1))
    return pick(rng, (*odd, (0, k), (n, 0), (1,) * 32, (max(n - 1, 0),), (n, 2**20 + 1) if n < 3 else (n, 300)))


def values_of(name, n, k, rng):
    """An array under that name."""
    shape = shape_of(name, n, k, rng)
    if name in SCORES or "logits" in name or name == "features":
        array = rng.normal(size=shape) * pick(rng, (1, 1, 10, 1e3, 1e-3, 1e305))
        if name in ("log_probs", "logprobs") and array.ndim > 1:
            array -= np.log(np.exp(np.clip(array, -600, 600)).sum(axis=-1, keepdims=True))
        elif "prob" in name or name in ("softmax", "confidence", "p"):
            array = np.abs(array) / np.maximum(
                np.abs(array).sum(axis=-1, keepdims=True) if array.ndim > 1 else 10, 1e-9
            )
    else:
        array = rng.integers(0, max(k, 1), shape).astype(float)
        if "ids" in name or "index" in name or name == "id":
            array = np.arange(array.size).reshape(shape).astype(float) % max(n, 1)
        if name == "correct":
            array = array > 0
    if array.size and chance(rng, 0.1):
        array = array.astype(float)
        array.reshape(-1)[rng.integers(array.size, size=int(rng.integers(1, 4)))] = pick(rng, SPECIAL)
    return typed(array, rng)


def typed(array, rng):
    """The same values in another type, as far as it holds them."""
    if rng.random() < 0.5:
        whole = (
            array.size
            and bool((array == np.floor(array)).all() and np.abs(array.astype(float)).max() < 2**50)
            and rng.random() < 0.8
        )
        return array.astype(np.int64) if whole else array
    kind = pick(rng, KINDS) if chance(rng, 0.8) else pick(rng, OTHER_KINDS)
    if kind == "V3":
        return np.zeros(array.shape, kind)
    try:
        found = array.astype(kind)
    except (TypeError, ValueError):
        found = array.astype(np.int64).astype(kind)
    if found.dtype.kind == "U" and found.size and chance(rng, 0.3):
        found = np.ascontiguousarray(found)
        if found.dtype.itemsize:
            found.reshape(-1).view(np.uint32)[0] = pick(rng, (0x110000, 0xD800, 0xFFFFFFFF, 0x1F600, 10))
    return np.asfortranarray(found) if chance(rng, 0.2) else found
