"""JSON objects and the kinds of their values; what no array can hold is marked, and an error only where it is used."""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from calibeval.core.errors import InputError
from calibeval.readers.stored.names import COLUMN, MEASURED_KEYS, NAME_KEYS, SCORE_KEYS

SMALL_E, LARGE_E = re.compile(rb"e\+?[0-9]{3}"), re.compile(rb"E\+?[0-9]{3}")  # each begins with one letter: fast
DIGITS, AS_ZEROS = b"0" * 300, bytes.maketrans(b"123456789", b"000000000")
SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
HALF = "half of a surrogate pair, which is not a character"
DENSE, SPARSE = 1, 0  # the "type" of a vector of Spark
NUMBERS = {int, float}
# The beginning of the columns that an object of scores becomes, by the object's name. "scores" may be anything's.
SCORES_AS = {
    **dict.fromkeys(("logits", "logit"), "logit"),
    **dict.fromkeys(SCORE_KEYS["probs"], "prob"),
    **dict.fromkeys(SCORE_KEYS["log_probs"], "log_prob"),
}
LABELLED = {"label", "score"}
ENDING = re.compile(r"(?P<stem>.*?)(?P<number>[0-9]{1,7})\Z", re.DOTALL)
VALUE_KINDS = {
    "number": "a number",
    "text": "text",
    "bool": "true or false",
    "list": "a list of numbers",
    "null": "null",
}


class Unfit:
    """In the place of a value that is valid JSON, or nearly, but that no array can hold. why: the message."""

    __slots__ = ("why",)

    def __init__(self, why: str) -> None:
        self.why = why


class Parser(NamedTuple):
    """Parses the text of a row; file and unit say where it is, for messages.

    by_class: whether scores are objects by class, see `by_class`.
    """

    file: str
    unit: str
    by_class: bool = False

    def place(self, number: int) -> str:
        """The place of a row."""
        return f"{self.file} {self.unit} {number}"

    def __call__(self, number: int, text: bytes) -> dict[str, Any]:
        """The row, in which Unfit stands for NaN, infinities and decimals beyond float64, and half characters.

        Raises: InputError unless the text is an object with keys, each of which is there once.
        """
        row = _value(text, self.place(number), LENIENT)
        if not isinstance(row, dict):
            hint = "; say --read-as json if the file is one array" if type(row) is list and self.unit == "line" else ""
            what = f"this is {named(row)}, but every {self.unit} must be a JSON object"
            raise InputError(f"{self.place(number)}: {what}{hint}")
        if not row:
            raise InputError(f"{self.place(number)}: the object has no keys")
        if b"\\" not in text or not SURROGATE.search(text):
            return by_class(row) if self.by_class and text.count(b"{") > 1 else row
        if any(_is_broken(key) for key in row):
            raise InputError(f"{self.place(number)}: {HALF}")
        return {key: Unfit(HALF) if _is_broken(value) else value for key, value in row.items()}


def decoded(text: bytes, place: str) -> Any:
    """The value that a JSON text stands for.

    place: for messages.
    Raises: InputError for a text that is not JSON, a key that occurs twice, and numbers and characters that cannot be.
    """
    value = _value(text, place, STRICT)
    if SURROGATE.search(text) and _is_broken(value):
        raise InputError(f"{place}: {HALF}")
    return value


def lenient(text: bytes, place: str) -> Any:
    """The same, with Unfit in the place of NaN, infinities and decimals beyond float64: they may not be used.

    place: for messages.
    Raises: InputError for a text that is not JSON, and a key that occurs twice.
    """
    return _value(text, place, LENIENT)


def _value(text: bytes, place: str, decoders: tuple[json.JSONDecoder, json.JSONDecoder]) -> Any:
    """The value of a text. decoders: for numbers that are not far from 0, and for all."""
    try:
        return decoders[_may_overflow(text)].decode(text.decode("utf-8"))
    except RecursionError:
        raise InputError(f"{place}: the object is nested too deeply") from None
    except json.JSONDecodeError as error:
        raise InputError(f"{place}: not valid JSON ({error.msg}, column {error.colno})") from None
    except UnicodeDecodeError as error:
        raise InputError(f"{place}: byte 0x{text[error.start]:02x} is not UTF-8: save the file as UTF-8") from None
    except ValueError as error:
        why = "a number of thousands of digits" if "digits" in str(error) else str(error)
        raise InputError(f"{place}: {why}") from None


def _may_overflow(text: bytes) -> bool:
    """Whether a number may be beyond float64: with an exponent of three digits, or hundreds of digits in a row."""
    if SMALL_E.search(text) or LARGE_E.search(text):
        return True
    return len(text) > len(DIGITS) and DIGITS in text.translate(AS_ZEROS)


def _is_broken(value: Any) -> bool:
    try:
        json.dumps(value, ensure_ascii=False, default=str).encode("utf-8")
    except UnicodeEncodeError:
        return True
    return False


def kind_of(value: Any) -> str | None:
    """The kind of a value, as a key of VALUE_KINDS; None for a value that is no number, text or list of numbers."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int | float):
        return "number"
    if isinstance(value, str):
        return "text"
    return "list" if isinstance(value, list) and value and set(map(type, value)) <= {int, float} else None


def as_vector(value: Any) -> Any:
    """The numbers of a dense vector as Spark writes it, {"type": 1, "values": [...]}; any other value as it is.

    >>> as_vector({"type": 1, "values": [0.1, 0.9]}), as_vector({"type": 0})
    ([0.1, 0.9], {'type': 0})
    """
    if type(value) is dict and value.keys() == {"type", "values"} and value["type"] == DENSE:
        return value["values"]
    return value


def by_class(row: dict[str, Any]) -> dict[str, Any]:
    """The row with a column for each class, if its only scores are an object of numbers by the names of classes.

    The lists that text-classification pipelines return are taken as such objects, too.

    >>> by_class({"probabilities": {"no": 0.1, "yes": 0.9}, "y": "yes"})
    {'prob_no': 0.1, 'prob_yes': 0.9, 'y': 'yes'}
    >>> by_class({"output": [{"label": "yes", "score": 0.9}, {"label": "no", "score": 0.1}]})
    {'prob_yes': 0.9, 'prob_no': 0.1}
    """
    for key, value in row.items():
        scores: Any = None
        if type(value) is dict and key in SCORES_AS:
            scores = value
        elif type(value) is list and value and type(value[0]) is dict:
            scores = labelled(value)
        if not scores or not NUMBERS.issuperset(map(type, scores.values())):
            continue
        left = {one: other for one, other in row.items() if one != key}
        if any(one in NAME_KEYS or one in MEASURED_KEYS or COLUMN.match(one) for one in left):
            return row
        columns = {f"{SCORES_AS.get(key, 'prob')}_{name}": score for name, score in _by_number(scores).items()}
        return {**columns, **left}
    return row


def _by_number(scores: dict[str, Any]) -> dict[str, Any]:
    """The scores in the order of the numbers that alone differ between the names, as in LABEL_1, LABEL_0."""
    found = [ENDING.match(name) for name in scores]
    stems = {one["stem"] for one in found if one is not None}
    numbers = [int(one["number"]) for one in found if one is not None]
    if len(stems) > 1 or len({*numbers}) < len(scores):
        return scores
    return {name: scores[name] for _, name in sorted(zip(numbers, scores, strict=True))}


def labelled(values: list[Any]) -> dict[str, Any] | None:
    """The scores of [{"label": "yes", "score": 0.9}, ...] by label; None for any other list."""
    if not all(type(one) is dict and one.keys() == LABELLED and type(one["label"]) is str for one in values):
        return None
    scores = {one["label"]: one["score"] for one in values}
    return scores if len(scores) == len(values) else None


def named(value: Any) -> str:
    """A description of a value for error messages."""
    if isinstance(value, dict):
        sparse = value.get("type") == SPARSE and "indices" in value
        return "a sparse vector of Spark (vector_to_array makes it dense)" if sparse else "an object"
    if isinstance(value, list):
        odd = next((item for item in value if type(item) not in {int, float}), None)
        return f"a list that holds {named(odd)}" if value else "an empty list"
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    return f'text ("{value[:40]}")' if isinstance(value, str) else "a number"


def in_short(value: Any) -> str:
    """What a value is, as `inspect` lists it.

    >>> in_short({"a": 1}), in_short(["a"]), in_short([]), in_short([[1, 2]])
    ('object', 'list of text', 'empty list', 'list of lists')
    """
    if isinstance(value, dict):
        return "object"
    if isinstance(value, list) and value:
        inner = {in_short(item) for item in value}
        one = inner.pop() if len(inner) == 1 else "mixed values"
        plain = {"number": "numbers", "object": "objects", "text": "text", "mixed values": "mixed values"}
        return f"list of {plain.get(one, 'lists' if 'list' in one else one)}"
    if isinstance(value, list):
        return "empty list"
    if isinstance(value, Unfit):
        return value.why
    return {"bool": "true or false", "null": "null", "text": "text", "number": "number"}[str(kind_of(value))]


def _object(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """The pairs of an object as a dict; an error if a key occurs twice."""
    row = dict(pairs)
    if len(row) < len(pairs):
        counted = Counter(key for key, _ in pairs)
        raise ValueError(f'the key "{counted.most_common(1)[0][0]}" occurs twice')
    return row


def _constant(token: str) -> float:
    """-Infinity, which Python writes for the logit of a masked class; NaN and Infinity are refused."""
    if token == "-Infinity":  # noqa: S105 - a token of JSON
        return -math.inf
    raise ValueError(f"{token} is neither a score nor a label")


def _finite(text: str) -> float:
    """A decimal; -1e500 is not the -inf of a masked class."""
    number = float(text)
    if math.isinf(number):
        raise ValueError(f"{text[:40]} is too large for float64")
    return number


def _or_unfit(read: Callable[[str], float]) -> Callable[[str], float | Unfit]:
    def marked(text: str) -> float | Unfit:
        try:
            return read(text)
        except ValueError as error:
            return Unfit(str(error))

    return marked


STRICT = (
    json.JSONDecoder(object_pairs_hook=_object, parse_constant=_constant),
    json.JSONDecoder(object_pairs_hook=_object, parse_constant=_constant, parse_float=_finite),
)
LENIENT = (
    json.JSONDecoder(object_pairs_hook=_object, parse_constant=_or_unfit(_constant)),
    json.JSONDecoder(object_pairs_hook=_object, parse_constant=_or_unfit(_constant), parse_float=_or_unfit(_finite)),
)
