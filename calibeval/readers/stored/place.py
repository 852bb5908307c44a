"""Where a file is: a path on this machine, or a URL, of which only the harmless part is ever shown."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from os import PathLike, fspath
from pathlib import Path, PurePosixPath

from calibeval.core.errors import UsageError

INSIDE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{1,30}://")  # bounded: a search takes time in proportion to the text
BEGINS = re.compile(f"^{INSIDE.pattern}")
# pathlib makes one slash of two, so that Path("s3://bucket/key") is s3:/bucket/key.
FLATTENED = r"^(s3|s3a|gs|gcs|hf|https?|memory):/(?!/)"
WEB = ("http", "https")
QUERY = r"(?s)\?[^?]*=.*\Z"  # in object stores, a ? without = may be part of a pattern
USER = r"(?s)\A[^/@:\[]*:(?![0-9]+(?:[/?#]|\Z)).*@"  # a password may hold a / or # that is not escaped
BEHIND_SPLIT = r"\?|&[^&]*="  # where a query begins behind the name of a split


@dataclass(frozen=True, slots=True)
class Url:
    """The URL of a remote file, a folder or a pattern.

    full: as it was given; it may hold a password or a signature, so it is never shown. Text of a Url, its name and its
    suffix lack these.

    >>> url = Url("https://me:secret@host:8080/runs/a.npz?X-Amz-Signature=abc")
    >>> str(url), url.name, url.suffix, url.scheme
    ('https://host:8080/runs/a.npz', 'a.npz', '.npz', 'https')
    >>> url
    <Url https://host:8080/runs/a.npz>
    """

    full: str = field(repr=False)

    def __repr__(self) -> str:
        return f"<Url {self}>"

    def __str__(self) -> str:
        scheme, _, rest = self.full.partition("://")
        rest = re.split(r"[?#]", re.sub(USER, "", rest), maxsplit=1)[0] if self.web else re.sub(QUERY, "", rest)
        host, slash, path = rest.partition("/")
        return f"{scheme}://{host.rpartition('@')[2]}{slash}{path}"

    @property
    def scheme(self) -> str:
        """What stands before ://, in small letters."""
        return self.full.partition("://")[0].lower()

    @property
    def web(self) -> bool:
        """Whether it belongs to a web server, which lists no files."""
        return self.scheme in WEB

    @property
    def name(self) -> str:
        """The last part of the path."""
        return PurePosixPath(str(self).partition("://")[2]).name

    @property
    def suffix(self) -> str:
        """The suffix of the name."""
        return PurePosixPath(self.name).suffix

    def as_posix(self) -> str:
        """The text of it."""
        return str(self)


Place = Path | Url


def place_of(name: str | PathLike[str] | Url) -> Place:
    """The place that a name stands for: a URL begins with letters and ://, and all else is a path.

    >>> place_of("s3://bucket/a.npz"), place_of(Path("s3://bucket/a.npz")), place_of("a.npz").name
    (<Url s3://bucket/a.npz>, <Url s3://bucket/a.npz>, 'a.npz')
    """
    if isinstance(name, Url):
        return name
    text = fspath(name)
    if BEGINS.match(text):
        return Url(text)
    meant = None if isinstance(name, str) else with_two_slashes(text)
    return Path(name) if meant is None else Url(meant)


def with_two_slashes(name: str) -> str | None:
    """The URL that a name with one slash may be meant for; None for any other name, and where there is such a folder.

    >>> with_two_slashes("s3:/bucket/a.npz"), with_two_slashes("a/b.npz")
    ('s3://bucket/a.npz', None)
    """
    flat = re.match(FLATTENED, name)
    if flat is None or Path(f"{flat[1]}:").exists():
        return None
    return f"{flat[1]}://{name[flat.end() :]}"


def as_name(path: str | PathLike[str] | Url) -> str:
    """A path as the name of a dump, which may have a #split; of what pathlib made of a URL, the URL.

    >>> as_name(Path("s3://bucket/a.npz#val")), as_name("a.npz#val")
    ('s3://bucket/a.npz#val', 'a.npz#val')
    """
    if isinstance(path, Url):
        return path.full
    place = place_of(path)
    return place.full if isinstance(place, Url) else fspath(path)


def is_remote(name: str | PathLike[str] | Url) -> bool:
    """Whether a name is that of a remote file.

    >>> is_remote("https://host/a.npz"), is_remote("a.npz")
    (True, False)
    """
    return isinstance(place_of(name), Url)


def as_shown(name: str) -> str:
    """A name without passwords and signatures, as it may be shown and saved. A title, or an option, may be before it.

    >>> as_shown("https://me:pass@host/a.npz?sig=x#test"), as_shown("a.npz#test")
    ('https://host/a.npz#test', 'a.npz#test')
    >>> as_shown("https://host/a.npz#test?sig=x"), as_shown("https://host/a.npz?sig=x#test&more=y")
    ('https://host/a.npz#test', 'https://host/a.npz#test')
    >>> as_shown("--labels=https://host/a.npz?sig=x"), as_shown("old=s3://bucket/a.npz")
    ('--labels=https://host/a.npz', 'old=s3://bucket/a.npz')
    """
    begin = INSIDE.search(name)
    if begin is None:
        return name
    before, rest = name[: begin.start()], name[begin.start() :]
    url, sign, split = rest.rpartition("#")
    return before + (f"{Url(url)}#{_bare(split)}" if sign and not {*"/@"} & {*_bare(split)} else str(Url(rest)))


def remote_split(name: str) -> str:
    """What stands behind the # of a URL.

    >>> remote_split("https://host/a.npz?sig=x#test")
    'test'

    Raises: UsageError if a query, which may be a signature, stands behind it.
    """
    split = name.rpartition("#")[2]
    if _bare(split) != split:
        bare = _bare(split)
        raise UsageError(f"{as_shown(name)}: what follows ? or & must stand before #{bare}, as in NAME?...#{bare}")
    return split


def _bare(split: str) -> str:
    """The name of a split without a query behind it."""
    return re.split(BEHIND_SPLIT, split, maxsplit=1)[0]


def without_secrets(text: str) -> str:
    """A text, in which every URL is as it may be shown.

    >>> without_secrets("cannot read https://me:pass@host/a?sig=x now")
    'cannot read https://host/a now'
    """
    return re.sub(r"\S+", lambda word: as_shown(word[0]) if "://" in word[0] else word[0], text)
