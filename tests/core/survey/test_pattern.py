"""Patterns with axes: what they read from names, and what they refuse."""

import pytest

from calibeval import InputError, UsageError
from calibeval.core.survey.axes import placed
from calibeval.core.survey.pattern import axis_names, chosen, filled, parts_of, readings


def read(pattern, *names):
    return chosen(pattern, names, [readings(parts_of(pattern), name) for name in names])


@pytest.mark.parametrize(
    ("pattern", "name", "found"),
    [
        ("{model}.npz", "r20.npz", {"model": "r20"}),
        ("{corruption}_{severity}", "gaussian_noise_1", {"corruption": "gaussian_noise", "severity": "1"}),
        ("e{epoch}-s{seed}.pt", "e10-s0.pt", {"epoch": "10", "seed": "0"}),
        ("{m}/{m}_{s}.npz", "a/a_1.npz", {"m": "a", "s": "1"}),
        ("{a:word}_{b}", "wrn16-4_gaussian_noise", {"a": "wrn16-4", "b": "gaussian_noise"}),
        ("{a}_{b:blur|gaussian_noise}", "x_gaussian_noise", {"a": "x", "b": "gaussian_noise"}),
        ("lr{lr}.npz", "lr1e-3.npz", {"lr": "1e-3"}),
    ],
)
def test_a_name_is_read(pattern, name, found):
    assert read(pattern, name) == [found]


@pytest.mark.parametrize(
    ("pattern", "name"),
    [("{a}_{b}", "plain"), ("{a}.npz", ".npz"), ("{m}/{m}_{s}", "a/b_1"), ("{s:int}", "x"), ("{a:x|y}", "z")],
)
def test_a_name_that_does_not_match(pattern, name):
    assert readings(parts_of(pattern), name) == []


def test_one_axis_of_numbers_decides_only_if_every_name_has_one():
    assert [one["s"] for one in read("{c}_{s}", "a_b_1", "c_2")] == ["1", "2"]
    with pytest.raises(InputError, match=r"can be read as c=a, s=b_1 or as c=a_b, s=1\. Say what c may be"):
        read("{c}_{s}", "a_b_1", "c_clean")
    with pytest.raises(InputError, match="seed=0, model=v2_3 or as seed=0_v2, model=3"):
        read("{seed}_{model}", "0_v2_3")


def test_a_name_with_two_readings_is_refused_with_the_remedy():
    message = r"resnet_50_gaussian_noise_3 can be read as model=resnet, .* Say what corruption may be: \{corrup.*"
    with pytest.raises(InputError, match=message):
        read("{model}_{corruption}_{severity}", "resnet_50_gaussian_noise_3")


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("{a.npz", "its braces are not balanced"),
        ("a}.npz", "its braces are not balanced"),
        ("{}.npz", '"{}" is not an axis'),
        ("{1a}.npz", '"{1a}" is not an axis'),
        ("{a}{b}.npz", "nothing stands between {a} and {b}"),
        ("{a:float}.npz", "behind the colon stands int, word, or values"),
        ("_".join(f"{{a{i}}}" for i in range(9)), "more than 8 axes"),
    ],
)
def test_a_pattern_that_cannot_be(pattern, message):
    with pytest.raises(UsageError, match=message.replace("{", r"\{").replace("}", r"\}")):
        parts_of(pattern)


def test_a_pattern_is_filled_with_the_texts_of_a_cell():
    assert axis_names("{b}/{a}_{b:int}.npz") == ("b", "a")
    assert filled("val/{model}.npz", {"model": "r20", "s": "1"}) == "val/r20.npz"
    with pytest.raises(UsageError, match=r'there is no axis "modle" \(did you mean "model"\?\)'):
        filled("{modle}.npz", {"model": "r20"})


def test_numbers_sort_as_numbers_and_texts_by_the_numbers_in_them():
    axes, points = placed([{"m": f"net{i}", "s": str(i)} for i in (10, 9, 100)])
    assert [axis.values for axis in axes] == [("net9", "net10", "net100"), (9, 10, 100)]
    assert points[0] == {"m": "net10", "s": 10}
    axes, _ = placed([{"s": "1"}, {"s": "clean"}])
    assert axes[0].values == ("1", "clean")


def test_a_name_with_many_separators_is_read_at_once():
    parts = parts_of("{a}_{b}_{c}_{d}_{e}_{f}.npz")
    many = "_".join("a" * 110)
    assert readings(parts, f"{many}.log") == []
    assert len(readings(parts, f"{many}.npz")) == 64
    assert readings(parts_of("{a}_{b}_{c}_{d}_{e}_{f:int}.npz"), f"{many}.npz") == []
    assert readings(parts_of("{a}/{b}_{c}_{d}_{e}_{a}.npz"), f"x/{many}.npz") == []


def test_an_axis_that_stands_twice_has_one_text():
    assert readings(parts_of("{m}/{m}_{s}.npz"), "a_b/a_b_1.npz") == [{"m": "a_b", "s": "1"}]
    assert readings(parts_of("{m}/{m}_{s}.npz"), "a/b_1.npz") == []
