"""What a server, or the way to it, does wrong: each failure has words, and none of them holds a password."""

from __future__ import annotations

import socket
import sys

import pytest

import calibeval
from calibeval.core.errors import FileProblem, InputError, UsageError
from calibeval.readers.remote import store
from tests.cli.invoking import run
from tests.readers.remote.made import as_npz, dump
from tests.readers.remote.serving import answering

HTML = b"<!DOCTYPE html><html><body>Please log in</body></html>"


def refused(url, kind=FileProblem):
    with pytest.raises(kind) as raised:
        calibeval.evaluate(url)
    said = str(raised.value)
    assert len(said) < 500
    return said


@pytest.mark.parametrize(
    ("status", "says"),
    [
        (401, "no permission (401): it wants credentials, which fsspec takes from its own settings"),
        (403, "no permission (403): these credentials, or none, may not read it"),
        (404, "there is no such file (404)"),
        (500, "the server answers with error 500"),
        (503, "the server answers with error 503"),
    ],
)
def test_an_error_of_the_server(shelf, status, says):
    shelf.odd["/a.npz"] = answering(status, body=HTML)
    assert refused(f"{shelf.address}/a.npz") == f"{shelf.address}/a.npz: {says}"


def test_a_web_page_in_place_of_the_file(shelf):
    shelf.odd["/a.npz"] = answering(200, {"Content-Type": "text/html; charset=utf-8"}, HTML)
    assert refused(f"{shelf.address}/a.npz") == (
        f"{shelf.address}/a.npz: the server sends a web page (HTML) instead of the file, "
        "perhaps an error or a form to log in"
    )


def test_redirects_without_end(shelf):
    shelf.odd["/a.npz"] = answering(302, {"Location": "/a.npz"})
    assert refused(f"{shelf.address}/a.npz") == f"{shelf.address}/a.npz: the server redirects without end"


def test_a_redirect_to_the_file(shelf):
    shelf.files["/b.npz"] = as_npz(dump(200))
    shelf.odd["/a.npz"] = answering(302, {"Location": "/b.npz"})
    report = calibeval.evaluate(f"{shelf.address}/a.npz")
    assert (report.dumps[0].n, report.dumps[0].source.path) == (200, f"{shelf.address}/a.npz")


def test_no_server():
    with socket.socket() as deaf:  # it has a port, and listens to nobody
        deaf.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{deaf.getsockname()[1]}/a.npz"
        assert refused(url) == f"{url}: the server cannot be reached"


def test_a_server_that_does_not_answer(shelf, monkeypatch):
    monkeypatch.setattr(store, "SECONDS_WITHOUT_BYTES", 0.1)
    shelf.odd["/a.npz"] = answering(200, wait=0.5)
    assert refused(f"{shelf.address}/a.npz") == f"{shelf.address}/a.npz: the server does not answer in time"


@pytest.mark.parametrize("name", ["a.npz", "a.csv"])
def test_an_answer_that_ends_early(shelf, name):
    shelf.odd[f"/{name}"] = answering(200, {"Content-Length": "5000"}, b"logit_0,logit_1,label\n1,2,0\n")
    said = refused(f"{shelf.address}/{name}")
    assert said.startswith(f"{shelf.address}/{name}: the server ended its answer early")


def test_another_length_than_was_said(shelf):
    def answer(handler):
        sent = (
            answering(200, {"Content-Length": "99"}) if handler.command == "HEAD" else answering(200, {}, b"p,y\n1,1\n")
        )
        sent(handler)

    shelf.odd["/a.csv"] = answer
    assert refused(f"{shelf.address}/a.csv") == (
        f"{shelf.address}/a.csv: the server said that it has 99 bytes, but sent 8"
    )


def test_a_file_that_changes_while_it_is_read(shelf):
    shelf.files["/a.npz"] = as_npz(dump(200))
    predictions = calibeval.read(f"{shelf.address}/a.npz")
    shelf.etag = "second"
    with pytest.raises(InputError, match=r"^a\.npz: the file changed while it was read\. Run again"):
        predictions.settled_source()


def test_a_file_that_becomes_shorter(shelf):
    arrays = dump(50_000)
    shelf.files["/a.npz"] = as_npz(arrays)
    predictions = calibeval.read(f"{shelf.address}/a.npz", max_memory=2**19)
    shelf.files["/a.npz"] = shelf.files["/a.npz"][: 2**20]
    with pytest.raises(InputError, match=r"^a\.npz: the file changed while it was read"):
        calibeval.evaluate(predictions)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        (
            "s3:/bucket/a.npz",
            's3:/bucket/a.npz: there is no such file; a URL has two slashes, as in "s3://bucket/a.npz"',
        ),
        (
            "s4://bucket/a.npz",
            (
                's4://bucket/a.npz: s4:// is unknown (did you mean "s3"?); remote files are s3://, gs://, '
                "hf://, https://, http://"
            ),
        ),
        (
            "https://host/run/*.npz",
            (
                "https://host/run/*.npz: a pattern, but a web server does not list its files: "
                "name each file, or NAME-1-of-N"
            ),
        ),
    ],
)
def test_names_that_cannot_be(name, says):
    assert refused(name) == says


@pytest.mark.parametrize(
    ("url", "package", "says"),
    [
        ("s3://b/a.npz", "fsspec", "reading remote files needs fsspec: pip install 'calibeval[remote]'"),
        ("s3://b/a.npz", "s3fs", "reading s3:// needs s3fs: pip install 'calibeval[remote]'"),
        ("https://h/a.npz", "aiohttp", "reading https:// needs aiohttp: pip install 'calibeval[remote]'"),
        ("gs://b/a.npz", "gcsfs", "reading gs:// needs gcsfs: pip install 'calibeval[remote]' gcsfs"),
        (
            "hf://datasets/u/r/a.npz",
            "huggingface_hub",
            "reading hf:// needs huggingface_hub: pip install 'calibeval[remote]' huggingface_hub",
        ),
    ],
)
def test_a_package_that_is_not_installed(monkeypatch, url, package, says):
    fsspec = pytest.importorskip("fsspec")
    registry = sys.modules[fsspec.get_filesystem_class.__module__]
    for name in [one for one in sys.modules if one.partition(".")[0] == package]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, package, None)
    monkeypatch.delitem(registry._registry, url.partition(":")[0], raising=False)
    assert refused(url, UsageError) == f"{url}: {says}"


@pytest.mark.parametrize("flags", [[], ["--json"]])
def test_exit_codes_and_no_secret_on_the_screen(capsys, shelf, flags):
    host = shelf.address.removeprefix("http://")
    done = run(capsys, "report", f"http://me:secret@{host}/none.npz?signature=secret", *flags)
    assert done.code == 4
    assert f"http://{host}/none.npz: there is no such file (404)" in done.err
    assert "secret" not in done.err + done.out
