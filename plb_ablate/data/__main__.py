"""``python -m plb_ablate.data``: download a corpus, or check one, against the published counts if there are any."""

import argparse
import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from plb_ablate.config.dataset import OWN
from plb_ablate.core.command_line import make_parser, path_argument
from plb_ablate.core.errors import PlbError, exit_codes
from plb_ablate.data.corpus import Corpus
from plb_ablate.data.download import ARCHIVES, LICENCE, Archive, fetch
from plb_ablate.data.registry import READERS, read_corpus, read_dataset
from plb_ablate.data.synthetic import corpus as synthetic
from plb_ablate.features.corpus_check import CorpusCheck, CountCheck, check_corpus

__all__ = ["main"]

EXAMPLES = r"""
examples:
  python -m plb_ablate.data fetch emodb                   to the folder data/emodb
  python -m plb_ablate.data fetch ravdess --root /corpora/ravdess
  python -m plb_ablate.data fetch iemocap                 how to get it; checks an existing folder
  python -m plb_ablate.data check ravdess                 compare with the published counts
  python -m plb_ablate.data check emodb --json > emodb.json
  python -m plb_ablate.data check manifest --file my.csv
  python -m plb_ablate.data check folders --root recordings --speaker-pattern '(\d+)_'

exit codes: 0 all published counts match, or nothing is published; 1 something differs, or a recording cannot be used;
2 cannot be downloaded or read; 130 interrupted
"""

OWN_SETTINGS = {
    "file": "for manifest: the table of the recordings",
    "classes": "for manifest and folders: classes and their labels, such as '{happy:[hap,exc],sad:[sad]}'",
    "speaker-pattern": "for folders: regular expression whose group is the speaker",
    "name": "for manifest and folders: name of the corpus",
}
"""Options of ``check`` for an own corpus: the settings ``dataset.*`` of the same names."""


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
        if options.verb == "fetch":
            return _check(read_corpus(options.corpus, root), as_json=False)
        return _check(_corpus(options, root), as_json=options.json)
    except KeyboardInterrupt:
        print("Interrupted. The partial download is kept; run the same command again to resume it.", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = make_parser(
        "data",
        "Download a corpus from its authors, or check the recordings of a corpus, one of your own included.",
        EXAMPLES,
    )
    verbs = parser.add_subparsers(dest="verb", required=True)
    shape = argparse.RawDescriptionHelpFormatter
    fetching = verbs.add_parser("fetch", help="download and unpack", epilog=EXAMPLES, formatter_class=shape)
    checking = verbs.add_parser("check", help="read every recording", epilog=EXAMPLES, formatter_class=shape)
    for verb, own in ((fetching, ()), (checking, OWN)):
        verb.add_argument("corpus", choices=(*READERS, *own))
        verb.add_argument("--root", type=path_argument, help="folder of the corpus (default: data/<corpus>)")
    for setting, told in OWN_SETTINGS.items():
        checking.add_argument(f"--{setting}", help=told, metavar=setting.upper().replace("-", "_"))
    checking.add_argument("--ignore-other-labels", action="store_true", help="leave out labels not in --classes")
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


def _corpus(options: argparse.Namespace, root: Path) -> Corpus:
    """Read the corpus to check; an own one by the same settings as in a sweep."""
    own = [options.file, options.name, options.speaker_pattern, options.classes, options.ignore_other_labels]
    if options.corpus not in OWN and not any(own):
        return read_corpus(options.corpus, root)
    from plb_ablate.config.compose import compose_config
    from plb_ablate.config.grammar import set_value

    given = {"root": options.root and str(options.root)} | {name: getattr(options, name) for name in ("file", "name")}
    given["speaker_pattern"] = options.speaker_pattern
    settings = [set_value(f"dataset.{key}", value) for key, value in given.items() if value is not None]
    settings += [f"dataset.classes={options.classes}"] if options.classes else []
    settings += ["dataset.ignore_other_labels=true"] if options.ignore_other_labels else []
    return read_dataset(compose_config([f"dataset={options.corpus}", *settings]).dataset)


def _check(corpus: Corpus, *, as_json: bool) -> int:
    result = check_corpus(corpus)
    if as_json:
        print(json.dumps(result.to_dict(), indent=1))
    else:
        _show(result)
    return 1 if result.differences else 0


def _show(result: CorpusCheck) -> None:
    console = Console()
    source = f"; published: {result.source}" if result.source else ""
    console.print(f"{result.corpus} in {result.root}{source}", highlight=False, markup=False)
    console.print(_counts("class", result.classes.items()))
    console.print(_counts("speaker", result.speakers.items()) if result.speakers else "Speakers are unknown.")
    console.print(_recordings(result))
    for note in result.notes:
        console.print(note, highlight=False, markup=False, soft_wrap=True)
    for group in result.copied:
        console.print(f"identical files: {', '.join(group)}", highlight=False, markup=False)
    match = "All published counts match." if result.source else "Every recording can be used. No counts are published."
    verdict = [f"Differs: {line}" for line in result.differences] or [match]
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
