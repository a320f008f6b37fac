"""``python -m plb_ablate.data``: download a corpus, or check a corpus folder against the published counts."""

import argparse
import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from plb_ablate.core.command_line import make_parser, path_argument
from plb_ablate.core.errors import PlbError, exit_codes
from plb_ablate.data.download import ARCHIVES, LICENCE, Archive, fetch
from plb_ablate.data.registry import READERS, read_corpus
from plb_ablate.data.synthetic import corpus as synthetic
from plb_ablate.features.corpus_check import CorpusCheck, CountCheck, check_corpus

__all__ = ["main"]

EXAMPLES = """
examples:
  python -m plb_ablate.data fetch emodb                   to the folder data/emodb
  python -m plb_ablate.data fetch ravdess --root /corpora/ravdess
  python -m plb_ablate.data fetch iemocap                 how to get it; checks an existing folder
  python -m plb_ablate.data check ravdess                 compare with the published counts
  python -m plb_ablate.data check emodb --json > emodb.json

exit codes: 0 all published counts match; 1 something differs; 2 cannot be downloaded or read; 130 interrupted
"""


@exit_codes
def main(argv: Sequence[str] | None = None) -> int:
    """Download or check a corpus.

    Returns
    -------
    int
        The exit code.
    """
    options = _parser().parse_args(argv)
    root = options.root or Path("data", options.corpus)
    try:
        if options.verb == "fetch" and (options.corpus != "iemocap" or not root.exists()):
            return _fetch(options.corpus, root, options.url)
        return _check(options.corpus, root, as_json=options.verb == "check" and options.json)
    except KeyboardInterrupt:
        print("Interrupted. The partial download is kept; run the same command again to resume it.", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = make_parser(
        "data",
        "Download a corpus from its authors, or check the recordings of a folder against the published counts.",
        EXAMPLES,
    )
    verbs = parser.add_subparsers(dest="verb", required=True)
    shape = argparse.RawDescriptionHelpFormatter
    fetching = verbs.add_parser("fetch", help="download and unpack", epilog=EXAMPLES, formatter_class=shape)
    checking = verbs.add_parser("check", help="compare with published counts", epilog=EXAMPLES, formatter_class=shape)
    for verb in (fetching, checking):
        verb.add_argument("corpus", choices=tuple(READERS))
        verb.add_argument("--root", type=path_argument, help="folder of the corpus (default: data/<corpus>)")
    fetching.add_argument("--url", help="other URL of the same archive; its checksum must be the published one")
    checking.add_argument("--json", action="store_true", help="print the complete result as JSON")
    return parser


def _fetch(name: str, root: Path, url: str | None) -> int:
    if name == "synthetic":
        synthetic.ensure(root)
        count = len(synthetic.list_utterances(root))
    elif name in ARCHIVES:
        archive = Archive(url, ARCHIVES[name].checksum) if url else ARCHIVES[name]
        count = fetch(name, root, archive)
    else:
        print(LICENCE)
        return PlbError.exit_code
    print(f"{root}: {count:,} utterances; the count of every class matches the published one.")
    return 0


def _check(name: str, root: Path, *, as_json: bool) -> int:
    result = check_corpus(read_corpus(name, root))
    if as_json:
        print(json.dumps(result.to_dict(), indent=1))
    else:
        _show(result)
    return 1 if result.differences else 0


def _show(result: CorpusCheck) -> None:
    console = Console()
    console.print(f"{result.corpus} in {result.root}; published: {result.source}", highlight=False, markup=False)
    console.print(_counts("class", result.classes.items()))
    console.print(_counts("speaker", result.speakers.items()))
    console.print(_recordings(result))
    for note in result.notes:
        console.print(note, highlight=False, markup=False, soft_wrap=True)
    for group in result.copied:
        console.print(f"identical files: {', '.join(group)}", highlight=False, markup=False)
    verdict = [f"Differs: {line}" for line in result.differences] or ["All published counts match."]
    console.print(*verdict, sep="\n", highlight=False, markup=False, soft_wrap=True)


def _counts(title: str, rows: Iterable[tuple[str, CountCheck]]) -> Table:
    table = Table(title, "published", "found", "")
    for column in table.columns[1:3]:
        column.justify = "right"
    for name, count in rows:
        published = "–" if count.published is None else f"{count.published:,}"
        table.add_row(name, published, f"{count.here:,}", _mark(count), style="bold" if count.differs else "")
    return table


def _mark(count: CountCheck) -> str:
    if not count.differs or count.published is None:
        return ""
    return f"{count.here - count.published:+,}"


def _recordings(result: CorpusCheck) -> Table:
    counts = (("all", result.utterances), ("cut to length", result.cut), ("copies", result.copies))
    table = _counts("recordings", counts)
    padded = None if result.cut.published is None else (result.utterances.published or 0) - result.cut.published
    table.add_row("padded", "–" if padded is None else f"{padded:,}", f"{result.padded:,}")
    table.add_row("unusable", "–", f"{len(result.unusable):,}")
    rates = ", ".join(f"{rate:,}" for rate in sorted(result.rates))
    table.add_row("sampling rate, Hz", f"{result.rate:,}" if result.rate else "–", rates)
    channels = ", ".join(f"{n}: {result.channels[n]:,}" for n in sorted(result.channels))
    table.add_row("channels: recordings", "–", channels)
    for name, seconds in result.seconds.items():
        table.add_row(f"{name}, s", "–", f"{seconds:,.2f}")
    return table


if __name__ == "__main__":
    sys.exit(main())
