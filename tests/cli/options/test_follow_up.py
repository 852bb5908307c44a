"""The commands that keep a map: fitted to a file, or applied from one."""

from __future__ import annotations

from calibeval.cli.options.follow_up import Applied, ways
from calibeval.cli.options.reading import ReadingFlags

FLAGS = ReadingFlags(kind="probs")


def keep(applied, *dumps):
    return ways(dumps or ["a.npz#test"], FLAGS, applied=applied).keep


def test_a_map_is_fitted_where_it_was_fitted():
    assert keep(Applied("platt", "a.npz#test")) == "calibeval fit a.npz#test --kind probs --method platt -o map.json"
    assert keep(Applied("temperature", "a.npz#test", "val.npz")) == "calibeval fit val.npz --kind probs -o map.json"
    assert (
        keep(Applied("platt", "a.npz#test", None, "m.json"))
        == "calibeval apply m.json a.npz#test --kind probs -o repaired.npz"
    )


def test_no_map_is_kept_of_none_of_standard_input_and_of_several_dumps():
    assert keep(None) is None
    assert keep(Applied("platt", "a.npz#test", "-")) is None
    assert keep(Applied("platt", "a.npz#test"), "a.npz", "b.npz") is None
