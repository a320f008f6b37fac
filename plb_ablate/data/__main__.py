"""``python -m plb_ablate.data``: fetch a corpus, and check that a folder holds what is published."""

import argparse
import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from plb_ablate.core.command_line import make_parser
from plb_ablate.core.errors import PlbError, exit_codes
from plb_ablate.data.download import ARCHIVES, LICENCE, Archive, fetch
from plb_ablate.data.registry import READERS
from plb_ablate.data.synthetic import corpus as synthetic
from plb_ablate.features.corpus_check import CorpusCheck, CountCheck, check_corpus

__all__ = ["main"]

EXAMPLES = """
examples:
  python -m plb_ablate.data fetch emodb                   into data/emodb
  python -m plb_ablate.data fetch ravdess --root /corpora/ravdess
  python -m plb_ablate.data fetch iemocap                 how to get it, and a look at what is there
  python -m plb_ablate.data check ravdess                 what is there beside what is published
  python -m plb_ablate.data check emodb --json > emodb.json

exit codes: 0 all is as published; 1 something differs; 2 it cannot be fetched or read; 130 stopped
"""


@exit_codes
def main(argv: Sequence[str] | None = None) -> int:
    """Fetch or check.

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
        print("stopped. What has arrived is kept: the same command goes on from there.", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = make_parser(
        "data",
        "Fetch a corpus from its authors, or check the recordings of a folder against what is published.",
        EXAMPLES,
    )
    verbs = parser.add_subparsers(dest="verb", required=True)
    shape = argparse.RawDescriptionHelpFormatter
    bring = verbs.add_parser("fetch", help="download and unpack", epilog=EXAMPLES, formatter_class=shape)
    look = verbs.add_parser("check", help="compare with what is published", epilog=EXAMPLES, formatter_class=shape)
    for verb in (bring, look):
        verb.add_argument("corpus", choices=tuple(READERS))
        verb.add_argument("--root", type=Path, help="folder of the corpus (default: data/<corpus>)")
    bring.add_argument("--url", help="another address of the same file; its checksum must be the published one")
    look.add_argument("--json", action="store_true", help="print all that was found as JSON")
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
    print(f"{root}: {count:,} utterances, each class with its published number.")
    return 0


def _check(name: str, root: Path, *, as_json: bool) -> int:
    found = check_corpus(name, root)
    if as_json:
        print(json.dumps(found.to_dict(), indent=1))
    else:
        _show(found)
    return 1 if found.differences else 0


def _show(found: CorpusCheck) -> None:
    console = Console()
    console.print(f"{found.corpus} in {found.root}; published: {found.source}", highlight=False, markup=False)
    console.print(_counts("class", found.classes.items()))
    console.print(_counts("speaker", found.speakers.items()))
    console.print(_facts(found))
    for group in found.copied:
        console.print(f"the same bytes: {', '.join(group)}", highlight=False, markup=False)
    verdict = [f"Differs: {line}" for line in found.differences] or ["All that is published is as published."]
    console.print(*verdict, sep="\n", highlight=False, markup=False, soft_wrap=True)


def _counts(title: str, rows: Iterable[tuple[str, CountCheck]]) -> Table:
    table = Table(title, "published", "here", "")
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


def _facts(found: CorpusCheck) -> Table:
    table = _counts("recordings", (("all", found.utterances), ("cut to length", found.cut), ("copies", found.copies)))
    padded = None if found.cut.published is None else (found.utterances.published or 0) - found.cut.published
    table.add_row("padded", "–" if padded is None else f"{padded:,}", f"{found.padded:,}")
    table.add_row("unusable", "–", f"{len(found.unusable):,}")
    rates = ", ".join(f"{rate:,}" for rate in sorted(found.rates))
    table.add_row("sampling rate, Hz", f"{found.rate:,}" if found.rate else "–", rates)
    channels = ", ".join(f"{n}: {found.channels[n]:,}" for n in sorted(found.channels))
    table.add_row("channels: recordings", "–", channels)
    for name, seconds in found.seconds.items():
        table.add_row(f"{name}, s", "–", f"{seconds:,.2f}")
    return table


if __name__ == "__main__":
    sys.exit(main())
