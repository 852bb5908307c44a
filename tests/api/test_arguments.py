"""Wrong arguments of the public functions: each is named, whatever came in its place, and nothing fails inside."""

import inspect
import re

import numpy as np
import pytest
import torch

import calibeval
from calibeval.api import dumps
from tests.data import logits_and_labels

LOGITS, LABELS = logits_and_labels(60, 3, seed=1)
SITE = np.arange(60) % 2
P = calibeval.Predictions(logits=LOGITS, labels=LABELS, columns={"site": SITE})
F = calibeval.Features(features=LOGITS, labels=LABELS)
RULE = {"metric": "ece", "max": 0.9}


class Odd:
    """What no argument can be."""


# By what they are; made anew for each call, as a generator can be used up.
WRONG = {
    "None": lambda: None,
    "5": lambda: 5,
    "-1": lambda: -1,
    "5.5": lambda: 5.5,
    "True": lambda: True,
    "empty text": lambda: "",
    "text": lambda: "x",
    "empty list": list,
    "list of numbers": lambda: [5],
    "list of None": lambda: [None],
    "empty dict": dict,
    "dict": lambda: {5: 1},
    "object": Odd,
    "class": lambda: Odd,
    "NaN": lambda: float("nan"),
    "infinity": lambda: float("inf"),
    "complex": lambda: 1j,
    "numpy number": lambda: np.int64(-7),
    "numpy NaN": lambda: np.float64("nan"),
    "set": lambda: {1},
    "set of texts": lambda: {"x"},
    "generator": lambda: (i for i in range(2)),
    "bytes": lambda: b"x",
    "matrix": lambda: np.zeros((2, 2)),
    "array of nothing": lambda: np.array(5),
}
# What is right for every argument of a kind, of those above.
COUNT, SIZE, SWITCH = {"5"}, {"5"}, {"True"}
POSITIVE = {"5", "5.5"}
NAME = {"text"}
LABEL = {"5", "-1", "numpy number"}
RIGHT = {
    **dict.fromkeys(("bins", "jobs", "cross_fit", "folds", "seed", "seeds", "epochs", "batch_size", "patience"), COUNT),
    **dict.fromkeys(("max_memory", "max_bytes", "min_rows"), SIZE),
    **dict.fromkeys(("allow_leak", "checksums", "why", "need_labels", "standardize", "amp", "png", "tune"), SWITCH),
    "drop_duplicates": SWITCH,
    **dict.fromkeys(("overwrite", "labelled", "renormalize"), SWITCH),
    **dict.fromkeys(("lr", "weight_decay", "clip_norm", "mixup", "width", "precision"), POSITIVE),
    "ignore_index": LABEL,
    "slices": {"empty list"},
    "classes": {"empty list", "set", "generator"},
    "score_columns": {"empty list"},
    "show": {"empty list"},
    "key": {"empty dict"},
    "keys": {"empty dict"},
    "columns": {"empty dict"},
    "warnings": {"empty list", "text"},
    "over": {"text"},  # an axis
    "recognised": {"empty list"},
    "no_labels": {"empty text", "text"},
    "class_names": {"generator"},  # of two names
    **dict.fromkeys(("out", "folder", "head"), NAME),  # a folder to be made, which a head is then read from
}


@pytest.fixture(scope="module")
def here(tmp_path_factory):
    """A folder with a dump and a run, and the records of both."""
    folder = tmp_path_factory.mktemp("arguments")
    np.savez(folder / "d.npz", logits=LOGITS, labels=LABELS, site=SITE)
    np.savez(folder / "f.npz", features=LOGITS, labels=LABELS)
    calibeval.fit(P).save(folder / "map.json")
    calibeval.finetune(F, val=F, losses="ce", epochs=1, out=folder / "run", allow_leak=True)
    return folder


def calls(folder):
    """Each public function with arguments that it takes."""
    dump, features, mapping = folder / "d.npz", folder / "f.npz", calibeval.fit(P)
    report, comparison = calibeval.evaluate(P), calibeval.compare(P, P)
    verdict = calibeval.gate(P, RULE)
    training = {"train": F, "val": F, "losses": "ce", "epochs": 1, "out": folder / "again"}
    return {
        "evaluate": (calibeval.evaluate, {"predictions": P}),
        "evaluate arrays": (calibeval.evaluate, {"logits": LOGITS, "labels": LABELS}),
        "evaluate a path": (calibeval.evaluate, {"predictions": dump}),
        "compare": (calibeval.compare, {"base": P}),
        "compare paths": (calibeval.compare, {"base": dump}),
        "gate": (calibeval.gate, {"candidate": P, "rules": RULE}),
        "gate a path": (calibeval.gate, {"candidate": dump, "rules": RULE}),
        "fit": (calibeval.fit, {"predictions": P}),
        "fit a path": (calibeval.fit, {"predictions": dump}),
        "cross_fit": (calibeval.cross_fit, {"predictions": P}),
        "read": (calibeval.read, {"path": dump}),
        "read_features": (calibeval.read_features, {"path": features}),
        "inspect": (calibeval.inspect, {"path": dump}),
        "conventions": (calibeval.conventions, {"predictions": P}),
        "read_map": (calibeval.read_map, {"path": folder / "map.json"}),
        "predict": (calibeval.predict, {"run": folder / "run", "features": F}),
        "finetune": (calibeval.finetune, {**training, "allow_leak": True, "overwrite": True}),
        "Predictions": (calibeval.Predictions, {"logits": LOGITS, "labels": LABELS}),
        "Predictions of confidence": (calibeval.Predictions, {"confidence": [0.5, 0.6], "correct": [0, 1]}),
        "Features": (calibeval.Features, {"features": LOGITS, "labels": LABELS}),
        "Rule": (calibeval.Rule, {"metric": "ece", "kind": "max", "limit": 0.1}),
        "GateSettings": (calibeval.GateSettings, {}),
        "ece": (calibeval.metrics.ece, {"probs": [[0.5, 0.5], [0.2, 0.8]], "labels": [0, 1]}),
        "Report.from_json": (calibeval.Report.from_json, {"text": report.to_json()}),
        "Comparison.from_json": (calibeval.Comparison.from_json, {"text": comparison.to_json()}),
        "Verdict.from_json": (calibeval.Verdict.from_json, {"text": verdict.to_json()}),
        "Map": (mapping, {"scores": LOGITS}),
        "Map.save": (mapping.save, {"path": folder / "m.json"}),
        "Predictions.save": (P.save, {"path": folder / "p.npz"}),
        "Report.save": (report.save, {"folder": folder / "o"}),
        "Comparison.save": (comparison.save, {"folder": folder / "o"}),
        "Verdict.save": (verdict.save, {"folder": folder / "o"}),
        "Report.figure": (report.figure, {}),
        "Comparison.figure": (comparison.figure, {}),
        "Report[]": (report.__getitem__, {"name": "ece"}),
    }


def parameters(function):
    """What the function takes by name, reading options too."""
    known = inspect.signature(function).parameters
    found = [name for name, one in known.items() if one.kind in (one.POSITIONAL_OR_KEYWORD, one.KEYWORD_ONLY)]
    if "reading" in known:
        of_features = "Feature" in str(known["reading"].annotation)
        typed = dumps.FeatureReading if of_features else dumps.Reading
        found += [name for name in typed.__annotations__ if name not in found]
    return found


def may_be(function, name, what):
    """Whether the value is right, or no worse than a file that is not there."""
    known = inspect.signature(function).parameters
    annotation = str(known[name].annotation) if name in known else "None"  # of reading options None is none
    return (what == "None" and ("None" in annotation or annotation == "object")) or what in RIGHT.get(name, ())


def test_a_wrong_argument_is_an_error_that_people_can_catch(here, monkeypatch):
    monkeypatch.chdir(here)
    wrong = []
    for place, (function, given) in calls(here).items():
        for name in parameters(function):
            for what, make in WRONG.items():
                arguments = {**given, name: make()}
                more = (P,) if place.startswith("compare") and name != "base" else ()
                base = (arguments.pop("base"),) if more else ()
                try:
                    function(*base, *more, **arguments)
                except calibeval.CalibevalError as error:
                    if re.search(r"(?<!gate )--\w", str(error)):
                        wrong.append(f"{place}: {name}={what}: names an option: {error}")
                except Exception as error:  # noqa: BLE001 - that is what must not be
                    wrong.append(f"{place}: {name}={what}: {type(error).__name__}: {error}")
                else:
                    if not may_be(function, name, what) and (place, name) not in TAKES_ANYTHING:
                        wrong.append(f"{place}: {name}={what} is taken")
    assert not wrong, "\n".join(wrong)


# What an inspection shows of itself, and names of arrays of features that are not there.
TAKES_ANYTHING = {
    *(
        ("inspect", name)
        for name in ("logits_key", "probs_key", "labels_key", "ids_key", "labels", "class_names", "gold")
    ),
    ("inspect", "positive"),
    *((place, "settling") for place in ("Predictions", "Predictions of confidence", "Features")),
}


@pytest.mark.parametrize(
    ("function", "keyword", "message"),
    [
        (
            calibeval.evaluate,
            "lable",
            r'^evaluate\(\) got an unexpected keyword argument "lable" \(did you mean "labels"',
        ),
        (calibeval.compare, "slice", r'^compare\(\) got .* "slice" \(did you mean "slices"'),
        (calibeval.gate, "rule", r'^gate\(\) got .* "rule" \(did you mean "rules"'),
        (calibeval.fit, "methode", r'^fit\(\) got .* "methode" \(did you mean "method"'),
        (calibeval.finetune, "loss", r'^finetune\(\) got .* "loss" \(did you mean "losses"'),
        (calibeval.predict, "feature_key", r'^predict\(\) got .* "feature_key" \(did you mean "features_key"'),
        (calibeval.read, "logit_key", r'^read\(\) got .* "logit_key" \(did you mean "logits_key"'),
        (calibeval.inspect, "keys", r'^inspect\(\) got .* "keys" \(did you mean "key"'),
        (calibeval.metrics.ece, "bin", r'^ece\(\) got .* "bin" \(did you mean "bins"'),
    ],
)
def test_an_unknown_keyword_names_the_function_and_the_nearest(function, keyword, message):
    with pytest.raises(TypeError, match=message):
        function(P, **{keyword: 1})


def test_a_missing_argument_names_the_function():
    with pytest.raises(TypeError, match=r"^finetune\(\) is called wrongly: missing a required .*argument: 'val'"):
        calibeval.finetune(F, out="run")  # type: ignore[call-arg]  # that is what is wrong


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"class_names": "ece"}, "class_names is 'ece', but it must be a list with a name for each class"),
        ({"class_names": ["a", "b", "a"]}, 'class_names: two classes are called "a"'),
        ({"class_names": {"a", "b", "c"}}, "class_names is a set"),
        ({"class_names": ["a", None, "b"]}, "class_names holds None, but each must be a name"),
        ({"max_memory": float("nan")}, "max_memory is nan, but it must be a whole number, at least 0"),
        ({"metrics": ["ece", 5]}, "metrics holds 5, but each must be a text"),
        ({"clip": 5.5}, r"clip is 5\.5, but it must be above 0 and below 1/k"),
        ({"method": "isotonc"}, 'method "isotonc" is unknown .did you mean "isotonic"'),
        ({"objective": 5}, "objective is 5, but it must be a text"),
        ({"columns": []}, "columns is an empty list, but it must be a dict of values by name"),
        ({"progress": print}, "progress is a builtin_function_or_method, but it must be an object with the methods"),
        ({"correct": [0]}, "logits go with labels, not with correct"),
    ],
)
def test_arguments_of_evaluate(arguments, message):
    with pytest.raises(calibeval.UsageError, match=message):
        calibeval.evaluate(logits=LOGITS, labels=LABELS, **arguments)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"preset": ""}, "preset is '', but it must be a text that is not empty"),
        ({"decide": ""}, "decide is ''"),
        ({"min_rows": 0}, "min_rows is 0, but it must be a whole number, at least 1"),
        ({"rules": ""}, "rules is ''"),
        ({"baseline": ""}, "baseline is '', but it must be a path"),
        ({"settings": {"level": 0.9}}, "settings is a dict, but it must be calibeval.GateSettings"),
    ],
)
def test_what_counts_as_nothing_is_no_argument_of_a_gate(arguments, message):
    with pytest.raises(calibeval.UsageError, match=message):
        calibeval.gate(P, **{"rules": RULE, **arguments})


def test_options_of_files_are_refused_where_no_file_is_read():
    with pytest.raises(calibeval.UsageError, match="class_names says how files are read, but predictions that are in"):
        calibeval.evaluate(P, class_names=["a", "b", "c"])
    with pytest.raises(calibeval.UsageError, match="features_key says how files are read, but features that are in"):
        calibeval.finetune(F, val=F, out="run", features_key="x")


def test_names_of_classes_that_a_file_holds_may_be_alike(tmp_path):
    np.savez(tmp_path / "d.npz", logits=LOGITS, labels=LABELS, class_names=["crane", "maillot", "crane"])
    assert calibeval.read(tmp_path / "d.npz").class_names == ("crane", "maillot", "crane")


def test_scalars_of_numpy_are_numbers(tmp_path):
    plain = calibeval.evaluate(P, bins=10, level=0.9, cross_fit=3, seed=2, clip=0.001)
    assert calibeval.evaluate(
        P, bins=np.int32(10), level=np.float64(0.9), cross_fit=np.int8(3), seed=np.int64(2), clip=np.float64(0.001)
    ) == plain  # fmt: skip
    found = calibeval.finetune(
        F, val=F, losses="ce", epochs=np.int64(1), seeds=np.int64(2), lr=np.float32(0.5), out=tmp_path, allow_leak=True
    )
    assert calibeval.read(tmp_path / "val_logits.npz").n == 60
    assert len(found["ce"].seeds) == 2


@pytest.mark.filterwarnings("ignore:The PyTorch API of nested tensors:UserWarning")
@pytest.mark.parametrize(
    ("tensor", "message"),
    [
        (lambda: torch.zeros((60, 3), device="meta"), "logits: a tensor on the meta device has a shape, but no values"),
        (lambda: torch.nested.nested_tensor([torch.zeros(3), torch.zeros(2)]), "logits: a nested tensor"),
        (lambda: torch.zeros((60, 3), dtype=torch.complex64), "logits have dtype complex64, but numbers are needed"),
    ],
)
def test_tensors_that_numpy_does_not_have(tensor, message):
    with pytest.raises(calibeval.InputError, match=message):
        calibeval.evaluate(logits=tensor(), labels=LABELS)


@pytest.mark.filterwarnings("ignore:torch.quantize_per_tensor:UserWarning")
def test_quantized_tensors_are_what_they_stand_for():
    tensor = torch.quantize_per_tensor(torch.tensor(LOGITS, dtype=torch.float32), 0.25, 0, torch.qint8)
    found = calibeval.Predictions(logits=tensor, labels=LABELS)
    assert np.asarray(found.scores[:]).tolist() == tensor.dequantize().tolist()


KEYS = {"logits": "a", "probs": "b", "log_probs": "c", "confidence": "d", "correct": "e", "prediction": "f"}


@pytest.fixture
def odd(tmp_path):
    """A dump in which no array is called as usual."""
    probs = np.exp(LOGITS) / np.exp(LOGITS).sum(axis=1, keepdims=True)
    arrays = {"a": LOGITS, "b": probs, "c": np.log(probs), "d": probs.max(axis=1)}
    arrays |= {"e": (probs.argmax(axis=1) == LABELS).astype(int), "f": probs.argmax(axis=1)}
    np.savez(tmp_path / "odd.npz", **arrays, g=LABELS, h=np.arange(60))
    return tmp_path / "odd.npz"


@pytest.mark.parametrize(
    ("roles", "kind"),
    [
        (("logits",), "logits"),
        (("probs",), "probs"),
        (("log_probs",), "log_probs"),
        (("confidence", "correct"), "confidence"),
        (("confidence", "prediction"), "confidence"),
    ],
)
def test_every_role_can_be_named(odd, roles, kind):
    key = {**{role: KEYS[role] for role in roles}, "ids": "h", **({} if "correct" in roles else {"labels": "g"})}
    found = calibeval.read(odd, key=key)
    assert (found.kind, found.n, found.ids.tolist()) == (kind, 60, list(range(60)))
    top = calibeval.evaluate(odd, key=key)["ece"].value
    assert top == pytest.approx(calibeval.evaluate(logits=LOGITS, labels=LABELS)["ece"].value)
    assert calibeval.compare(odd, odd, key=key)["ece"].difference == 0.0


def test_roles_of_features_can_be_named(tmp_path):
    np.savez(tmp_path / "odd.npz", u=LOGITS, v=LABELS)
    key = {"features": "u", "labels": "v"}
    assert calibeval.read_features(tmp_path / "odd.npz", key=key).d == 3


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ({"logit": "a"}, r'key "logit" is unknown \(did you mean "logits"\?\)'),
        ({"weights": "a", "logits": "c", "labels": "g"}, r'key={"weights": "a"}: there is no column "a"'),
        ({"groups": "a"}, "name the column with group"),
        ({"labels": 5}, r'key\["labels"\] is 5, but it must be a text'),
        ({"labels": "x", "logits": "zz"}, r'there is no "zz"'),
    ],
)
def test_keys_that_cannot_be(odd, key, message):
    with pytest.raises(ValueError, match=message):
        calibeval.read(odd, key=key)


def test_a_short_form_and_a_key_may_not_differ(odd):
    with pytest.raises(calibeval.UsageError, match=r'key={"labels": "g"} and labels_key="h" contradict each other'):
        calibeval.read(odd, key={"labels": "g"}, labels_key="h")
