"""Predictions: one shape inside whatever came, everything checked once, rows by block and by selection."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from calibeval import Predictions
from calibeval.core.data.predictions import Source
from calibeval.core.errors import InputError, UsageError


def test_the_kind_is_the_argument():
    for kind, scores in {"logits": [[1.0, 2.0]], "probs": [[0.5, 0.5]], "log_probs": [[-1.0, -0.5]]}.items():
        predictions = Predictions(**{kind: scores}, labels=[0])
        assert (predictions.kind, predictions.n, predictions.k) == (kind, 1, 2)
    assert Predictions(confidence=[0.5], correct=[1]).k is None


@pytest.mark.parametrize("shape", [(3,), (3, 1)])
def test_one_column_becomes_two(shape):
    predictions = Predictions(probs=np.array([0.25, 0.5, 1.0]).reshape(shape), labels=[0, 1, 1])
    assert predictions.scores[0:3].tolist() == [[0.75, 0.25], [0.5, 0.5], [0.0, 1.0]]
    predictions = Predictions(logits=np.array([-2.0, 0.0, 3.0]).reshape(shape), labels=[0, 1, 1])
    assert predictions.scores[1:3].tolist() == [[0.0, 0.0], [0.0, 3.0]]


def test_one_column_of_whole_numbers():
    assert Predictions(probs=np.array([0, 1], np.uint8), labels=[0, 1]).scores[0:2].tolist() == [[1, 0], [0, 1]]


def test_dense_scores_become_pixels():
    images = np.arange(2 * 3 * 2 * 2).reshape(2, 3, 2, 2)
    labels = np.zeros((2, 2, 2), int)
    first = Predictions(logits=images, labels=labels)
    assert (first.n, first.k, first.layout) == (8, 3, (2, 2, 2))
    # Image 1, pixel (0, 1): channels at offsets 12 + 1, 12 + 5, 12 + 9.
    assert first.scores[5:6].tolist() == [[13, 17, 21]]
    last = Predictions(logits=np.moveaxis(images, 1, -1), labels=labels)
    assert last.scores[0:8].tolist() == first.scores[0:8].tolist()
    assert first.locate(5) == "image 1, pixel (0, 1)"
    assert Predictions(probs=[[1.0, 0.0]], labels=[0]).locate(5) == "row 5"


def test_more_than_two_dimensions_of_space():
    predictions = Predictions(logits=np.zeros((2, 3, 4, 5, 6)), labels=np.zeros((2, 4, 5, 6), int))
    assert (predictions.n, predictions.k) == (2 * 4 * 5 * 6, 3)


SHAPES = [
    (
        np.zeros((2, 4, 4, 4)),
        np.zeros((2, 4, 4), int),
        "logits (2, 4, 4, 4) could have the classes on axis 1 or on the last axis",
    ),
    (
        np.zeros((2, 3, 4, 5)),
        np.zeros((2, 5, 4), int),
        (
            "logits have shape (2, 3, 4, 5) with labels (2, 5, 4), but (n, k) with (n,), "
            "or (n, k, h, w), (n, h, w, k) or, for two classes, (n, h, w) with (n, h, w) are needed"
        ),
    ),
    (
        np.zeros((2, 3, 4)),
        np.zeros(2, int),
        (
            "logits have shape (2, 3, 4) with labels (2), but (n, k) with (n,), "
            "or (n, k, h, w), (n, h, w, k) or, for two classes, (n, h, w) with (n, h, w) are needed"
        ),
    ),
    (np.zeros((4, 3)), np.zeros(5, int), "4 rows of scores, but 5 labels"),
    (np.zeros((0, 3)), np.zeros(0, int), "there are no rows"),
    (np.array([["a", "b"]]), np.zeros(1, int), "logits have dtype <U1, but numbers are needed"),
    (np.zeros((1, 2), complex), np.zeros(1, int), "logits have dtype complex128, but numbers are needed"),
]


@pytest.mark.parametrize(("logits", "labels", "message"), SHAPES)
def test_shapes_that_do_not_fit(logits, labels, message):
    with pytest.raises(InputError) as error:
        Predictions(logits=logits, labels=labels)
    assert str(error.value) == message


def test_errors_begin_with_the_source():
    with pytest.raises(InputError, match=r"^a.npz#val: 4 rows of scores, but 5 labels$"):
        Predictions(logits=np.zeros((4, 3)), labels=[0] * 5, source=Source("a.npz", "val"))


def test_confidences_are_one_a_row():
    with pytest.raises(InputError, match=r"^confidence has shape \(2, 2\), but one number per row is needed$"):
        Predictions(confidence=np.zeros((2, 2)), correct=[0, 1])
    with pytest.raises(InputError, match=r"^2 rows of scores, but 3 correct$"):
        Predictions(confidence=[0.5, 0.5], correct=[0, 1, 1])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "give exactly one of logits, probs, log_probs and confidence, not 0 of them"),
        (
            {"logits": [[0, 1]], "probs": [[0, 1]]},
            "give exactly one of logits, probs, log_probs and confidence, not 2 of them",
        ),
        ({"logits": [[0, 1]], "correct": [1]}, "logits go with labels, not with correct"),
        ({"confidence": [0.5], "labels": [1]}, "confidence go with correct, not with labels"),
    ],
)
def test_wrong_arguments(arguments, message):
    with pytest.raises(UsageError) as error:
        Predictions(**arguments)
    assert str(error.value) == message


def test_misspelt_arguments_are_errors():
    with pytest.raises(TypeError, match="logit"):
        Predictions(logit=[[0, 1]], labels=[0])  # type: ignore[call-arg]


def test_class_names():
    assert Predictions(logits=[[0, 1]], labels=["b"], class_names=["a", "b"]).labels.tolist() == [1]
    with pytest.raises(InputError, match=r"^3 class names, but the scores have 2 classes$"):
        Predictions(logits=[[0, 1]], labels=[0], class_names=["a", "b", "c"])


def test_columns_and_ids_have_one_entry_a_row():
    predictions = Predictions(logits=np.zeros((3, 2)), labels=[0, 1, 0], columns={"site": np.array(["x", "y", "x"])})
    assert predictions.columns["site"].tolist() == ["x", "y", "x"]
    with pytest.raises(InputError, match=r'^"site" has 2 entries, but there are 3 rows$'):
        Predictions(logits=np.zeros((3, 2)), labels=[0, 1, 0], columns={"site": np.array(["x", "y"])})
    with pytest.raises(InputError, match=r'^"ids" has 4 entries, but there are 3 rows$'):
        Predictions(logits=np.zeros((3, 2)), labels=[0, 1, 0], ids=np.arange(4))


def test_columns_of_dense_scores_may_count_images_or_pixels():
    images, labels = np.zeros((2, 3, 2, 2)), np.zeros((2, 2, 2), int)
    Predictions(logits=images, labels=labels, ids=np.arange(2), columns={"p": np.arange(8)})
    with pytest.raises(InputError, match=r'^"p" has 3 entries'):
        Predictions(logits=images, labels=labels, columns={"p": np.arange(3)})


def test_ignored_rows_are_counted():
    predictions = Predictions(logits=np.zeros((4, 2)), labels=[255, 0, 255, 1], ignore_index=255)
    assert (predictions.n, predictions.rows, predictions.ignored) == (2, 4, 2)
    blocks = list(predictions.blocks(2))
    assert [b.labels.tolist() for b in blocks] == [[0], [1]]
    assert [b.first_row for b in blocks] == [0, 2]
    assert [predictions.stored_row(b, 0) for b in blocks] == [1, 3]


def test_nothing_but_ignored_rows():
    with pytest.raises(InputError, match=r"^there are no rows except 2 ignored ones$"):
        Predictions(logits=np.zeros((2, 2)), labels=[255, 255], ignore_index=255)


def test_blocks_are_consecutive():
    predictions = Predictions(logits=np.arange(14).reshape(7, 2), labels=[0] * 7)
    blocks = list(predictions.blocks(3))
    assert [b.first_row for b in blocks] == [0, 3, 6]
    assert np.concatenate([b.scores for b in blocks]).tolist() == np.arange(14).reshape(7, 2).tolist()


def test_selection_by_numbers_and_by_mask():
    predictions = Predictions(
        logits=np.arange(8).reshape(4, 2),
        labels=[0, 1, 255, 1],
        ids=np.array(["a", "b", "c", "d"]),
        columns={"site": np.arange(4)},
        class_names=["x", "y"],
        ignore_index=255,
    )
    by_number = predictions.select(np.array([3, 2, 0]))
    assert by_number.scores[0:3].tolist() == [[6, 7], [4, 5], [0, 1]]
    assert by_number.ids.tolist() == ["d", "c", "a"]
    assert by_number.columns["site"].tolist() == [3, 2, 0]
    assert (by_number.n, by_number.ignored, by_number.class_names) == (2, 1, ("x", "y"))
    by_mask = predictions.select(np.array([True, False, False, True]))
    assert by_mask.labels.tolist() == [0, 1]


def test_selection_of_top_label_dumps():
    chosen = Predictions(confidence=[0.5, 0.75, 1.0], correct=[0, 1, 1]).select(np.array([1, 2]))
    assert (chosen.kind, chosen.scores[0:2].tolist(), chosen.labels.tolist()) == ("confidence", [0.75, 1.0], [1, 1])


def test_frozen():
    predictions = Predictions(logits=[[0, 1]], labels=[0])
    with pytest.raises(dataclasses.FrozenInstanceError):
        predictions.kind = "probs"


def test_names_of_sources():
    assert Source().name == "predictions"
    assert Source("a.npz").name == "a.npz"
    assert Source("a.npz", "val").name == "a.npz#val"


def test_torch_tensors_are_arrays():
    logits, labels = torch.tensor([[1.0, 2.0], [3.0, 0.5]]), torch.tensor([1, 0])
    predictions = Predictions(logits=logits, labels=labels)
    assert predictions.scores[0:2].tolist() == logits.tolist()
    assert predictions.labels.tolist() == labels.tolist()


class Counted:
    """Images that lie elsewhere; the reads are counted, one a image."""

    def __init__(self, images):
        self.images, self.shape, self.dtype = images, images.shape, images.dtype
        self.reads = []

    def __getitem__(self, rows):
        self.reads += range(self.shape[0])[rows]
        return self.images[rows]


@pytest.mark.parametrize("rows", [1, 3, 7, 12, 20, 29, 100])
@pytest.mark.parametrize("channels_first", [True, False])
def test_images_are_read_once_however_many_blocks_they_fill(channels_first, rows):
    images = np.random.default_rng(0).normal(size=(5, 3, 4, 3))
    stored = images if channels_first else np.ascontiguousarray(np.moveaxis(images, 1, -1))
    expected = np.moveaxis(images, 1, -1).reshape(-1, 3)
    counted = Counted(stored)
    for scores in (stored, counted):
        predictions = Predictions(logits=scores, labels=np.zeros((5, 4, 3), int))
        found = np.concatenate([block.scores for block in predictions.blocks(rows)])
        assert (found == expected).all()
    assert counted.reads == [0, 1, 2, 3, 4]
    assert (predictions.scores[13:15] == expected[13:15]).all()
    assert predictions.scores[4:4].shape == (0, 3)


def test_selection_of_pixels():
    images = np.arange(2 * 3 * 2 * 2).reshape(2, 3, 2, 2)
    labels = np.arange(8).reshape(2, 2, 2) % 3
    predictions = Predictions(
        logits=images, labels=labels, ids=["a", "b"], columns={"site": [7, 9], "pixel": np.arange(8)}
    )
    chosen = predictions.select(np.array([5, 0, 4]))
    assert chosen.scores[0:3].tolist() == [[13, 17, 21], [0, 4, 8], [12, 16, 20]]
    assert chosen.labels.tolist() == [2, 0, 1]
    assert chosen.ids.tolist() == ["b", "a", "b"]
    assert {name: values.tolist() for name, values in chosen.columns.items()} == {"site": [9, 7, 9], "pixel": [5, 0, 4]}
    assert predictions.select(np.arange(8) > 5).ids.tolist() == ["b", "b"]


def test_selection_keeps_what_is_still_to_be_checked():
    source = Source("a.npz", sha256="0" * 64)
    predictions = Predictions(
        logits=np.zeros((3, 2)), labels=[0, 1, 0], file_rows=np.array([9, 4, 6]), settling=lambda: source
    )
    chosen = predictions.select(np.array([2, 1]))
    assert chosen.file_rows.tolist() == [6, 4]
    assert chosen.settled_source() == source


def test_lists_are_arrays():
    predictions = Predictions(logits=[[0, 1], [1, 0]], labels=[0, 1], ids=["a", "b"], columns={"site": ["x", "y"]})
    assert predictions.ids.tolist() == ["a", "b"]
    assert predictions.columns["site"].dtype.kind == "U"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"columns": {"site": 3}}, '"site" has shape (), but one value per row is needed'),
        ({"ids": "a"}, '"ids" has shape (), but one value per row is needed'),
        ({"ids": [[1, 2], [3, 4]]}, '"ids" has shape (2, 2), but one value per row is needed'),
        ({"logits": np.zeros((2, 0))}, "logits have shape (2, 0): there are no classes"),
        ({"labels": np.zeros(0, "U1"), "logits": np.zeros((0, 2))}, "there are no rows"),
        ({"labels": np.array([b"\xff", b"a"])}, "labels are bytes, but numbers or text are needed"),
    ],
)
def test_what_is_refused_at_the_door(arguments, message):
    with pytest.raises(InputError) as error:
        Predictions(**{"logits": [[0, 1], [1, 0]], "labels": [0, 1], **arguments})
    assert str(error.value) == message


@pytest.mark.parametrize("name", ["logits", "labels"])
def test_ragged_lists(name):
    with pytest.raises(InputError, match=rf"^{name} do not form an array: .*inhomogeneous"):
        Predictions(**{"logits": [[0, 1], [1, 0]], "labels": [0, 1], name: [[0, 1], [1]]})


def test_a_source_is_named_without_its_folders():
    assert Source("runs/7/a.npz", "val").name == "a.npz#val"
    assert Source("-").name == "standard input"
