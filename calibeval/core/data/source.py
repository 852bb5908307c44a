"""Where rows came from, as reports record it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import PurePath
from typing import ClassVar, Literal

from calibeval.core.data.records import Layout


@dataclass(frozen=True, slots=True)
class RemoteFacts:
    """What the server says of a remote file. size: its bytes. etag: changes with its content; None: it has none.

    read: "ranges" if only the bytes that were needed were read, else "whole".
    """

    LAYOUT: ClassVar = Layout(open=True)

    size: int
    etag: str | None
    read: Literal["ranges", "whole"]


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One of several files, as it was named, and its SHA-256."""

    LAYOUT: ClassVar = Layout(open=True)

    path: str
    sha256: str


@dataclass(frozen=True, slots=True)
class LogCount:
    """How many answers of a log are not as the others: "refused", say. left_out: whether they are left out."""

    LAYOUT: ClassVar = Layout(open=True)

    what: str
    answers: int
    left_out: bool


@dataclass(frozen=True, slots=True)
class LogMeasure:
    """What is measured of one question of a log alone, a mean over its answers.

    name: "rps", the ranked probability score; "absolute_error" of the expected score; "brier_gold" and "nll_gold",
    against gold distributions. error: its standard error; None for one answer, or where the mean is infinite.
    """

    LAYOUT: ClassVar = Layout(open=True)

    name: Literal["rps", "absolute_error", "brier_gold", "nll_gold"]
    of: str
    answers: int
    value: float | None
    error: float | None


@dataclass(frozen=True, slots=True)
class LogFacts:
    """What a log of a language model or a decision service held.

    recognised: what wrote it, and how it was read. answers: all that it holds. counts: those that were left out, or
    read in a way of their own. group: the column of documents, if one document has several answers: then these depend
    on each other. by: the column of tasks or questions, if there are several. measures: of single questions.
    """

    LAYOUT: ClassVar = Layout(open=True)

    recognised: str
    answers: int
    counts: tuple[LogCount, ...] = ()
    group: str | None = None
    by: str | None = None
    measures: tuple[LogMeasure, ...] = ()


def case_hash(sha256: str) -> str:
    """By what a case is known again, of the SHA-256 of its file of scores: its beginning."""
    return sha256[:16]


@dataclass(frozen=True, slots=True)
class Source:
    """Where predictions came from, as reports record it; unknown fields are None.

    path, split, sha256: of the file with the scores. labels_path, labels_sha256: of a separate file with the labels.
    remote, labels_remote: what their servers say of them; of a remote file that was read in part, no SHA-256 is known.
    shards: how many files hold the rows, if these are shards. files: each file of saved sums, if there are several;
    then sha256 is that of a line "name NUL sha256" for each, as it is of shards.
    title: how the user calls it; it is the name of the dump, and not written with the source.
    log: what a log held; None for any other file. cases: of a folder of cases, hashes of the files of scores, which are
    not written with the source either.
    """

    LAYOUT: ClassVar = Layout(
        rare=("remote", "labels_remote", "shards", "files", "log"),
        read={"title": lambda _: None, "cases": lambda _: None},
        open=True,
    )
    HELD: ClassVar = ("title", "cases")

    path: str | None = None
    split: str | None = None
    sha256: str | None = None
    format: str | None = None
    labels_path: str | None = None
    labels_sha256: str | None = None
    remote: RemoteFacts | None = None
    labels_remote: RemoteFacts | None = None
    shards: int | None = None
    files: tuple[SourceFile, ...] | None = None
    log: LogFacts | None = None
    title: str | None = field(default=None, compare=False)
    cases: tuple[str, ...] | None = field(default=None, compare=False)

    def is_same_file(self, other: Source) -> bool:
        """Whether both are known to be the same file: by SHA-256, or by what the server says of a remote file.

        >>> Source("a.npz").is_same_file(Source("a.npz"))
        False
        """
        if self.sha256 is not None and other.sha256 is not None:
            return self.sha256 == other.sha256
        return self.remote is not None and (self.path, self.remote) == (other.path, other.remote)

    @property
    def content(self) -> str | None:
        """What the file's content has alone: its SHA-256, or of a remote file that was read in part its size and ETag.

        >>> Source("s3://b/a.npz", remote=RemoteFacts(9, "5f3", "ranges")).content, Source("a.npz", sha256="ab").content
        ('9 bytes, ETag 5f3', 'ab')
        """
        if self.sha256 is not None or self.remote is None or self.remote.etag is None:
            return self.sha256
        return f"{self.remote.size} bytes, ETag {self.remote.etag}"

    @property
    def name(self) -> str:
        """The dump's name in messages: its title, or the file name, followed by #split if there is one.

        >>> Source("runs/7/dump.npz", "val").name
        'dump.npz#val'
        """
        if self.title is not None:
            return self.title
        path = "standard input" if self.path == "-" else self.path or "predictions"
        return (PurePath(path).name or path) + ("" if self.split is None else f"#{self.split}")
