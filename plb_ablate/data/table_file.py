"""Tables of text as files: CSV, TSV and Parquet, with the row of the file at which each entry stands."""

import io
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from plb_ablate.core.errors import CorpusError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["read_table"]


def read_table(file: Path) -> "pd.DataFrame":
    """Read a table by its ending: ``.csv`` (commas), ``.tsv`` (tabs) or ``.parquet``.

    Parameters
    ----------
    file : Path
        Text is UTF-8, with or without a byte order mark.

    Returns
    -------
    DataFrame of str
        Every cell as text without spaces around it, empty if there is no value. The index is the row of the file, which
        in a text file is 2 for the first row below the header, as spreadsheets number it. Empty rows are left out.

    Raises
    ------
    CorpusError
        If the file is missing, empty, not UTF-8, has another ending or cannot be read as a table.
    """
    reader = _READERS.get(file.suffix.lower())
    if reader is None:
        raise CorpusError(f"dataset.file={file} has the ending {file.suffix!r}. Use one of {', '.join(_READERS)}.")
    try:
        content = file.read_bytes()
    except OSError as error:
        raise CorpusError(f"dataset.file={file} cannot be read: {error.strerror}.") from None
    if not content.strip():
        raise CorpusError(f"dataset.file={file} is empty. It needs a header and a row for each recording.")
    table = reader(file, content)
    table.columns = [str(name).strip() for name in table.columns]
    table = table[(table != "").any(axis=1)]
    if table.empty:
        raise CorpusError(f"dataset.file={file} has a header, but no rows. It needs one for each recording.")
    return table


def _separated(file: Path, content: bytes, separator: str) -> "pd.DataFrame":
    import pandas as pd

    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        row = content.count(b"\n", 0, error.start) + 1
        raise CorpusError(
            f"dataset.file={file} is not UTF-8: byte {content[error.start]:#04x} in line {row}. Save it as UTF-8 (in a "
            "spreadsheet: CSV UTF-8)."
        ) from None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)
            table = pd.read_csv(
                io.StringIO(text),
                sep=separator,
                dtype=str,
                na_filter=False,
                skip_blank_lines=False,
                index_col=False,
            )
    except (pd.errors.ParserError, pd.errors.ParserWarning, pd.errors.EmptyDataError, ValueError) as error:
        raise CorpusError(
            f"dataset.file={file} cannot be read as a table: {str(error).strip().rstrip('.')}. Every row needs as many "
            "cells as the header; a cell with a separator in it needs quotes."
        ) from None
    table.index = pd.RangeIndex(2, len(table) + 2)
    return table.fillna("").apply(lambda column: column.str.strip())


def _comma_separated(file: Path, content: bytes) -> "pd.DataFrame":
    return _separated(file, content, ",")


def _tab_separated(file: Path, content: bytes) -> "pd.DataFrame":
    return _separated(file, content, "\t")


def _parquet(file: Path, content: bytes) -> "pd.DataFrame":
    import pandas as pd

    try:
        table = pd.read_parquet(io.BytesIO(content))
    except (ImportError, OSError, ValueError) as error:  # errors of pyarrow are OSErrors or ValueErrors
        raise CorpusError(f"dataset.file={file} cannot be read as Parquet: {' '.join(str(error).split())}.") from None
    if any(name is not None for name in table.index.names):
        table = table.reset_index()
    table.index = pd.RangeIndex(1, len(table) + 1)
    return table.astype(object).where(table.notna(), "").map(_text)


def _text(value: Any) -> str:
    """Write a cell as text; whole numbers, which are floats beside a missing value, without a decimal point."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value).strip()


_READERS: dict[str, Callable[[Path, bytes], "pd.DataFrame"]] = {
    ".csv": _comma_separated,
    ".tsv": _tab_separated,
    ".parquet": _parquet,
}
