"""Texts from strangers: what is no JSON, and the first value that is not what it must be, are named."""

from __future__ import annotations

import json

import pytest

from calibeval.core.data.documents import DEEPEST, Place, read_document
from calibeval.core.errors import InputError


def read(text, build=lambda whole: whole.value):
    return read_document(text, "x/1", "thing", build)


def error_of(text, build=lambda whole: whole.value):
    with pytest.raises(InputError) as error:
        read(text, build)
    return str(error.value)


def value(text, build):
    """What a method makes of one value of a document."""
    return read(f'{{"schema": "x/1", "v": {text}}}', lambda whole: build(whole["v"]))


def problem(text, build):
    with pytest.raises(InputError) as error:
        value(text, build)
    return str(error.value).removeprefix("this is not a thing of schema x/1: ")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "Expecting value: line 1 column 1 (char 0)"),
        ("[]", "the thing is a list, but an object is needed"),
        ("{}", 'the thing has no "schema"'),
        ('{"schema": null}', "schema is null, but a string is needed"),
        ('{"schema": NaN}', "NaN is not a number"),
        ('{"schema": -Infinity}', "-Infinity is not a number"),
        ('{"schema": "x/1", "a": 1, "a": 2}', '"a" occurs twice in one object'),
        ('{"schema": ' + "1" * 5000 + "}", "a whole number has thousands of digits"),
        ("[" * 100_000, "it is nested too deeply"),
        (b'{"schema": "\xe9"}', "byte 12 is not UTF-8"),
        ('\ufeff{"schema": "x/1"}', "Unexpected UTF-8 BOM (decode using utf-8-sig): line 1 column 1 (char 0)"),
    ],
)
def test_texts_that_are_no_document(text, message):
    assert error_of(text) == f"this is not a thing of schema x/1: {message}"


def test_another_schema_is_named_and_cut():
    assert error_of('{"schema": "x/2"}') == 'schema is "x/2", but "x/1" is needed'
    assert len(error_of(json.dumps({"schema": "x" * 10**6}))) < 120


def test_texts_and_bytes_are_read_alike():
    assert read('{"schema": "x/1", "a": "é"}') == read('{"schema": "x/1", "a": "é"}'.encode())


@pytest.mark.parametrize(
    ("text", "build", "message"),
    [
        ("1e999", Place.number, "v is Infinity, but a finite number is needed"),
        ("true", Place.number, "v is a boolean, but a finite number is needed"),
        ('"1"', Place.number, 'v is "1", but a finite number is needed'),
        ("1" * 400, Place.number, f"v is {'1' * 57}..., but a finite number is needed"),
        ("[1.5, 1e999]", Place.numbers, "v[1] is Infinity, but a finite number is needed"),
        ("[1.5, true]", Place.numbers, "v[1] is a boolean, but a finite number is needed"),
        ("1.0", Place.count, "v is 1.0, but a count is needed"),
        ("-1", Place.count, "v is -1, but a count is needed"),
        ("9223372036854775808", Place.count, "v is 9223372036854775808, but a count is needed"),
        ("true", Place.count, "v is a boolean, but a count is needed"),
        ("1", Place.truth, "v is 1, but true or false is needed"),
        ("{}", Place.text, "v is an object, but a string is needed"),
        ('"c"', lambda place: place.one_of(["a", "b"]), 'v is "c", but one of "a", "b" is needed'),
        ("[]", lambda place: place.one_of(["a"]), 'v is a list, but one of "a" is needed'),
        ("[]", Place.object, "v is a list, but an object is needed"),
        ("[]", lambda place: place["w"], "v is a list, but an object is needed"),
        ('{"naem": 1}', lambda place: place.only(["name"]),
         'v has an unknown field "naem" (did you mean "name"?); known fields are name'),
        ('{"a": [{"b": 1e999}]}', Place.anything, "v.a[0].b is Infinity, but a finite number is needed"),
        ("1" * 400, Place.anything, f"v is {'1' * 57}..., but a finite number is needed"),
    ],
)  # fmt: skip
def test_wrong_values_are_named(text, build, message):
    assert problem(text, build) == message


def test_right_values():
    assert value("9223372036854775807", Place.count) == 2**63 - 1
    assert value("[1, 2.5]", Place.numbers) == (1.0, 2.5)
    assert [type(one) for one in value("[1, 2.5]", Place.numbers)] == [float, float]
    assert value('[1, null, {"a": [true, "x", 0.5]}]', Place.anything) == [1, None, {"a": [True, "x", 0.5]}]


def test_anything_is_nested_so_deep_and_no_deeper():
    assert value("[" * DEEPEST + "]" * DEEPEST, Place.anything) is not None
    deep = problem("[" * (DEEPEST + 1) + "]" * (DEEPEST + 1), Place.anything)
    assert deep == f"v{'[0]' * DEEPEST} is nested too deeply"


def test_messages_stay_short():
    assert len(problem(json.dumps("x" * 10**6), Place.count)) < 120
    assert len(problem(json.dumps({"k" * 10**6: "x"}), lambda place: place.items()[0][1].count())) < 200
    assert len(problem(json.dumps({"k" * 10**6: "x"}), lambda place: place.only(["k"]))) < 200
