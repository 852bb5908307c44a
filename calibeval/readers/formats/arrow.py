"""`.arrow` and `.feather`: Arrow's own files and streams, whose columns are those of `.parquet` (extra `parquet`)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from calibeval.core.errors import BROKEN_IMPORT, InputError, not_importable
from calibeval.readers.formats.arrow_messages import check_batches, is_file
from calibeval.readers.stored.limits import Limits
from calibeval.readers.stored.steady import SteadyFile
from calibeval.readers.stored.stored import Contents

try:
    from pyarrow import ipc

    from calibeval.readers.formats.parquet import ColumnFile, guarded
except BROKEN_IMPORT as error:
    raise not_importable(error, "reading .arrow and .feather", "pyarrow", "parquet") from None


def read_arrow(file: SteadyFile, limits: Limits) -> Contents:
    """The columns of an Arrow file or stream, or of Feather of version 2; see `read_parquet`.

    Raises: as `read_parquet`, and InputError for Feather of version 1.
    """
    return guarded(file, _ArrowFile.what, lambda: _ArrowFile(file, limits).contents())


class _ArrowFile(ColumnFile):
    """A file that has an index, of which only used columns are read, or a stream, of which only those are decoded."""

    what = ".arrow or .feather"

    def _about(self) -> tuple[Any, int]:
        self._indexed = is_file(self._steady)
        rows = check_batches(self._steady, self._limits)
        with self._steady.open() as stream, self._reader(stream, []) as reader:
            return reader.schema, rows

    def _reader(self, stream: Any, columns: Sequence[str]) -> Any:
        """A reader of some columns; of all, if none is named."""
        fields = [self._columns.index(column) for column in columns]
        options = ipc.IpcReadOptions(included_fields=fields, use_threads=False)
        return (ipc.open_file if self._indexed else ipc.open_stream)(stream, options=options)

    def _batches(self, columns: Sequence[str], rows: int) -> Iterator[Any]:
        with self._steady.open() as stream, self._reader(stream, columns) as reader:
            for whole in self._whole(reader):
                whole.validate(full=True)
                batch = whole.select(list(columns))
                if batch.schema.names != list(columns):
                    raise InputError(f"{self._name}: a batch has columns {batch.schema.names}: the file is damaged")
                for start in range(0, batch.num_rows, rows):
                    yield batch.slice(start, rows)

    def _whole(self, reader: Any) -> Iterator[Any]:
        """The batches as they are stored."""
        if not self._indexed:
            yield from reader
            return
        for i in range(reader.num_record_batches):
            yield reader.get_batch(i)
