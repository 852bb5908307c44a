"""Signatures and passwords in odd places of a name: what can be read is read, and the secret is never shown."""

from __future__ import annotations

import pytest

import calibeval
from calibeval.core.errors import UsageError
from calibeval.readers.stored.place import as_shown, place_of, without_secrets
from tests.cli.invoking import run
from tests.readers.remote.made import as_npz, dump
from tests.readers.remote.serving import answering

NAMES = [
    "https://host/a.npz#val?X-Amz-Signature=SECRET",
    "https://host/a.npz#val?SECRET",
    "https://host/a.npz?X-Amz-Algorithm=a#val&X-Amz-Signature=SECRET",
    "https://host/a.npz#val&X-Amz-Signature=SECRET",
    "https://host/a.npz#one#val?sig=SECRET",
    "https://host/a.npz#val?sig=SEC/RET=SECRET",
    "https://host/a.npz?sig=SECRET#val",
    "s3://bucket/a.npz#val?versionId=SECRET",
    "https://me:SEC/RET@host/a.npz#val",
    "https://me:SEC#RET@host/a.npz#val",
    "https://me:SEC?RET@host/a.npz#val",
    "https://me:1234SECRET@[::1]:80/a.npz#val",
]


@pytest.mark.parametrize("name", NAMES)
def test_no_part_of_a_secret_is_shown(name):
    for shown in (
        as_shown(name),
        str(place_of(name)),
        repr(place_of(name)),
        place_of(name).name,
        as_shown(f"--labels={name}"),
        without_secrets(f"cannot read {name} now"),
    ):
        assert "SEC" not in shown
        assert "RET" not in shown
    assert as_shown(name).endswith("a.npz#val")


@pytest.mark.parametrize(
    "name",
    [
        "https://host:8080/a.npz#val",
        "http://[::1]:80/runs@7/a.npz#val",
        "https://host:8080/runs@7/a.npz",
        "https://host/a:b@c/a.npz#val",
        "hf://datasets/user/repo@main/a.npz#val",
        "s3://arn:aws:s3:us-west-2:1:accesspoint/b/a@1.npz#val",
        "s3://bucket/part-?.npz",
        "s3://bucket/a&b.npz#R&D",
    ],
)
def test_what_is_no_secret_is_shown(name):
    assert as_shown(name) == name


@pytest.mark.parametrize("flags", [[], ["--json"]])
@pytest.mark.parametrize("behind", ["val?X-Amz-Signature=SECRET", "val?SECRET", "val&X-Amz-Signature=SECRET"])
def test_a_query_behind_the_split_is_refused(capsys, shelf, behind, flags):
    shelf.files["/big.npz"] = as_npz(dump(200))
    url = f"{shelf.address}/big.npz"
    for words in (["report", f"{url}#{behind}"], ["inspect", f"{url}#{behind}"], ["fit", f"{url}#{behind}"]):
        done = run(capsys, *words, *flags)
        assert (done.code, done.out) == (2, "")
        assert f"{url}#val: what follows ? or & must stand before #val, as in NAME?...#val" in done.err
        assert "SECRET" not in done.err
    assert shelf.sent == []


def test_a_query_behind_the_dump_of_a_saved_report_is_refused(shelf):
    arrays = dump(200)
    shelf.files["/report.json"] = calibeval.evaluate(**arrays).to_json().encode()
    with pytest.raises(UsageError, match=r"report\.json#one: what follows \? or & must stand before #one") as raised:
        calibeval.compare(f"{shelf.address}/report.json#one?sig=SECRET", calibeval.Predictions(**arrays))
    assert "SECRET" not in str(raised.value)


@pytest.mark.parametrize("split", ["", "#val"])
def test_a_signed_address_of_labels_is_asked_with_its_signature(shelf, split):
    arrays = dump(200)
    shelf.files["/a.npz"] = as_npz({"logits": arrays["logits"]})
    labels = as_npz({f"{split[1:]}_labels".lstrip("_"): arrays["labels"]})
    shelf.odd["/labels.npz"] = lambda handler: answering(
        *((200, {}, labels) if "sig=SECRET" in handler.path else (403, {}, b""))
    )(handler)
    url = f"{shelf.address}/labels.npz"
    found = calibeval.evaluate(f"{shelf.address}/a.npz", labels=f"{url}?sig=SECRET{split}")
    assert found.dumps[0].source.labels_path == f"{url}{split}"
    assert found.dumps[0]["ece"] == calibeval.evaluate(**arrays).dumps[0]["ece"]
    assert "SECRET" not in found.to_json()
