"""`evaluate` of whatever people have: paths, predictions, lists, arrays, tensors, masked arrays, frames."""

import numpy as np
import pandas as pd
import pytest
import torch

import calibeval
from tests.core.streams import Told
from tests.data import logits_and_labels

LOGITS, LABELS = logits_and_labels(600, 4, seed=1)


@pytest.fixture
def dump(tmp_path):
    path = tmp_path / "dump.npz"
    site, video = np.tile(["a", "b"], 300), np.arange(600) // 10
    np.savez(path, test_logits=LOGITS, test_labels=LABELS, test_site=site, test_video=video)
    return path


def values(report):
    return {name: one.value for name, one in report.items()}


EXACT = values(calibeval.evaluate(logits=LOGITS, labels=LABELS))


def test_a_path_and_what_is_read_from_it_are_the_same(dump):
    named = f"{dump}#test"
    assert calibeval.evaluate(named) == calibeval.evaluate(calibeval.read(named))
    assert values(calibeval.evaluate(named)) == EXACT
    assert len(calibeval.evaluate([named, calibeval.read(named)]).dumps) == 2


def test_a_list_of_paths_and_predictions(dump):
    both = calibeval.evaluate([f"{dump}#test", calibeval.Predictions(logits=LOGITS, labels=LABELS)])
    assert [one.name for one in both.dumps] == ["dump.npz#test", "predictions"]
    with pytest.raises(calibeval.UsageError, match="the report has 2 dumps"):
        both["ece"]


def test_reading_options_reach_the_reader(tmp_path):
    np.savez(tmp_path / "odd.npz", z=LOGITS)
    np.save(tmp_path / "y.npy", LABELS)
    report = calibeval.evaluate(tmp_path / "odd.npz", logits_key="z", labels=tmp_path / "y.npy", class_names=[*"wxyz"])
    assert values(report) == EXACT
    assert report.dumps[0].per_class[0].name == "w"
    with pytest.raises(TypeError, match=r'unexpected keyword argument "logit_key" \(did you mean "logits_key"\?\)'):
        calibeval.evaluate(tmp_path / "odd.npz", **dict.fromkeys(["logit_key"], "z"))


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16, torch.bfloat16])
@pytest.mark.parametrize("requires_grad", [False, True])
def test_tensors_give_what_their_values_give(dtype, requires_grad):
    tensor = torch.tensor(LOGITS).to(dtype).requires_grad_(requires_grad)
    report = calibeval.evaluate(logits=tensor, labels=torch.tensor(LABELS))
    widened = tensor.detach().double().numpy()
    assert values(report) == pytest.approx(values(calibeval.evaluate(logits=widened, labels=LABELS)), abs=1e-6)


def test_probabilities_in_bfloat16_may_sum_to_one_within_their_own_precision():
    probs = torch.softmax(torch.tensor(LOGITS), dim=1).to(torch.bfloat16)
    assert abs(probs.float().sum(dim=1) - 1).max() > 1e-3
    found = calibeval.evaluate(probs=probs, labels=LABELS)
    assert found["accuracy"].value == pytest.approx(EXACT["accuracy"], abs=0.02)
    with pytest.raises(calibeval.InputError, match="sums to"):
        calibeval.evaluate(probs=probs.float(), labels=LABELS)


@pytest.mark.parametrize(
    ("logits", "labels"),
    [
        (LOGITS.tolist(), LABELS.tolist()),
        (pd.DataFrame(LOGITS), pd.Series(LABELS)),
        ([torch.tensor(row, requires_grad=True) for row in LOGITS], [torch.tensor(y) for y in LABELS]),
        (np.ma.masked_array(LOGITS), np.ma.masked_array(LABELS)),
        (torch.tensor(LOGITS).to_sparse(), torch.tensor(LABELS, dtype=torch.uint8)),
    ],
    ids=["lists", "pandas", "lists of tensors", "masked arrays without a mask", "sparse"],
)
def test_other_containers(logits, labels):
    assert values(calibeval.evaluate(logits=logits, labels=labels)) == EXACT


def test_masked_labels_are_ignored_rows():
    mask = np.arange(600) % 3 == 0
    report = calibeval.evaluate(logits=LOGITS, labels=np.ma.masked_array(LABELS, mask))
    assert report.dumps[0].ignored == 200
    assert values(report) == values(calibeval.evaluate(logits=LOGITS[~mask], labels=LABELS[~mask]))


def test_masked_labels_beside_an_ignored_label():
    mask = np.arange(600) < 100
    labels = np.where(np.arange(600) >= 500, 255, LABELS)
    report = calibeval.evaluate(logits=LOGITS, labels=np.ma.masked_array(labels, mask), ignore_index=255)
    assert report.dumps[0].ignored == 200


@pytest.mark.parametrize("name", ["logits", "ids"])
def test_other_masked_entries_are_refused(name):
    arrays = {"logits": LOGITS, "ids": np.arange(600)}
    arrays[name] = np.ma.masked_array(arrays[name], np.zeros_like(arrays[name], bool))
    arrays[name][7] = np.ma.masked
    with pytest.raises(calibeval.InputError, match=f'^"?{name}"?: .* of the masked array are masked'):
        calibeval.evaluate(labels=LABELS, **arrays)


def test_metrics_are_chosen():
    for asked in ("ece,nll", "ece, nll", ["ece", "nll"]):
        report = calibeval.evaluate(logits=LOGITS, labels=LABELS, metrics=asked)
        assert list(report) == ["ece", "nll"]
        assert report["ece"].value == EXACT["ece"]
        says = "Over-confident: says 74.8 % on average, is right 61.5 % of the time (gap +13.3 points, certain)."
        assert says in str(report)
    assert list(calibeval.evaluate(logits=LOGITS, labels=LABELS, metrics=None)) == list(EXACT)
    every = list(calibeval.evaluate(logits=LOGITS, labels=LABELS, metrics="all"))
    assert every[: len(EXACT)] == list(EXACT)
    assert "ecce" in every
    with pytest.raises(KeyError, match='did you mean "ece"'):
        calibeval.evaluate(logits=LOGITS, labels=LABELS, metrics="eec")


def test_chosen_metrics_hold_for_slices_and_maps(dump):
    report = calibeval.evaluate(f"{dump}#test", metrics="nll", slices="site", cross_fit=3)
    (one,) = report.dumps
    assert list(one) == list(one.recalibrated.metrics) == list(one.slices[0].metrics) == ["nll"]
    assert len(report._repr_html_()) > 1000


@pytest.mark.parametrize("convention", ["calibeval", "netcal"])
def test_a_group_is_a_column_or_an_array(dump, convention):
    by_name = calibeval.evaluate(f"{dump}#test", group="video", convention=convention)
    by_array = calibeval.evaluate(f"{dump}#test", group=np.arange(600) // 10, convention=convention)
    assert by_array["accuracy"] == by_name["accuracy"]
    assert by_array.settings.group == "group"
    if convention == "calibeval":
        assert by_name.dumps[0].groups.count == by_array.dumps[0].groups.count == 60


def test_an_array_of_groups_must_fit():
    with pytest.raises(calibeval.InputError, match='"group" has 3 entries, but there are 600 rows'):
        calibeval.evaluate(logits=LOGITS, labels=LABELS, group=[1, 2, 3])


def test_before_and_after(dump, tmp_path):
    logits, labels = logits_and_labels(500, 4, seed=2)
    val = calibeval.Predictions(logits=logits, labels=labels)
    by_other = calibeval.evaluate(f"{dump}#test", fit_on=val, method="temperature")
    assert by_other.dumps[0].recalibrated.parameters["temperature"] == calibeval.fit(val).parameters()["temperature"]
    out_of_fold = calibeval.evaluate(f"{dump}#test", cross_fit=4, group=np.arange(600) // 10, seed=3)
    assert out_of_fold.dumps[0].recalibrated.to_dict()["fitted_on"]["folds"] == 4
    with pytest.raises(calibeval.InputError, match="say cross_fit=5, or use allow_leak=True to see"):
        calibeval.evaluate(f"{dump}#test", fit_on=f"{dump}#test")
    assert calibeval.evaluate(f"{dump}#test", fit_on=f"{dump}#test", allow_leak=True).dumps[0].recalibrated


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"jobs": 0}, "jobs is 0, but it must be a whole number, at least 1"),
        ({"jobs": True}, "jobs is True"),
        ({"jobs": 1.0}, "jobs is 1.0"),
        ({"bins": True}, "bins is True, but it must be a whole number"),
        ({"level": True}, "level is True"),
        ({"level": "0.9"}, "level is '0.9'"),
        ({"max_memory": -1}, "max_memory is -1"),
        ({"cross_fit": True}, "cross_fit is True"),
        ({"cross_fit": 1}, "cross_fit is 1"),
        ({"cross_fit": 3, "fit_on": "x.npz"}, "fit_on and cross_fit exclude each other"),
        ({"min_rows": True, "slices": ["class"]}, "min_rows is True, but it must be a whole number, at least 1"),
        ({"metrics": []}, "metrics names no metric; there are accuracy"),
        ({"metrics": ","}, "metrics names no metric"),
        ({"kind": "logits"}, "kind says how files are read, but arrays came"),
    ],
)
def test_settings_that_cannot_work(settings, message):
    with pytest.raises(calibeval.UsageError, match=message):
        calibeval.evaluate(logits=LOGITS, labels=LABELS, **settings)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "give exactly one of logits, probs"),
        ({"predictions": []}, "the list of predictions is empty"),
        (
            {"predictions": LOGITS, "labels": None},
            "predictions is an ndarray, but it must be a path or calibeval.Predictions; arrays are given",
        ),
        ({"predictions": "x.npz", "logits": LOGITS}, "but not both: logits came beside them"),
        ({"predictions": "x.npz", "labels": LABELS}, "labels= beside a path is the path of another file"),
    ],
)
def test_arguments_that_cannot_work(arguments, message):
    with pytest.raises(calibeval.UsageError, match=message):
        calibeval.evaluate(**arguments)


def test_a_misspelt_argument_is_a_type_error_with_the_nearest():
    with pytest.raises(TypeError, match=r'unexpected keyword argument "lables" \(did you mean "labels"\?\)'):
        calibeval.evaluate(logits=LOGITS, **dict.fromkeys(["lables"], LABELS))


def test_a_missing_file_is_an_os_error():
    with pytest.raises(OSError, match="there is no such file"):
        calibeval.evaluate("nowhere.npz")


def test_progress_hears_of_every_dump(dump):
    told = Told()
    calibeval.evaluate([f"{dump}#test", calibeval.Predictions(logits=LOGITS, labels=LABELS)], progress=told)
    assert told.heard == [("dump.npz#test", 600), 600, ("predictions", 600), 600]


def test_a_format_can_be_named_whatever_the_suffix(tmp_path):
    path = tmp_path / "export.txt"
    path.write_text("logit_0,logit_1,label\n2,0,0\n0,1,1\n1,0,1\n")
    for name in ("csv", ".csv"):
        assert calibeval.evaluate(path, read_as=name)["accuracy"].value == pytest.approx(2 / 3)
    with pytest.raises(
        calibeval.UsageError, match=r'read_as "cvs" is unknown \(did you mean "csv"\?\); formats are npz'
    ):
        calibeval.evaluate(path, read_as="cvs")


def test_metrics_of_a_comparison_are_chosen(dump):
    found = calibeval.compare(f"{dump}#test", f"{dump}#test", metrics="nll,ece")
    assert sorted(found) == ["ece", "nll"]


@pytest.mark.parametrize("function", [calibeval.compare, calibeval.gate])
def test_misspelt_arguments_are_named_although_nothing_is_read(function):
    predictions = calibeval.Predictions(logits=LOGITS, labels=LABELS)
    second = predictions if function is calibeval.compare else {"metric": "ece", "max": 0.5}
    with pytest.raises(TypeError, match=r'unexpected keyword argument "slice" \(did you mean "slices"\?\)'):
        function(predictions, second, slice="x")
    with pytest.raises(calibeval.UsageError, match="kind says how files are read, but predictions that are in memory"):
        function(predictions, second, kind="probs")


@pytest.mark.parametrize("seed", [None, -1, 1.5, "x", True])
def test_a_seed_is_a_whole_number(seed):
    with pytest.raises(calibeval.UsageError, match=r"seed is .*, but it must be a whole number, at least 0"):
        calibeval.evaluate(logits=LOGITS, labels=LABELS, cross_fit=2, seed=seed)


@pytest.mark.parametrize("label", [0.5, "0", float("nan"), True, [], np.array([1, 2])])
def test_an_ignored_label_is_a_whole_number(label):
    with pytest.raises(calibeval.UsageError, match=r"ignore_index is .*, but it must be a whole number"):
        calibeval.evaluate(logits=LOGITS, labels=LABELS, ignore_index=label)
