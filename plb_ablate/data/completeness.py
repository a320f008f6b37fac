"""Whether a corpus has all the utterances that were published, in words."""

from collections import Counter
from collections.abc import Mapping, Sequence

from plb_ablate.data.corpus import Corpus
from plb_ablate.data.reference_counts import ReferenceCounts

__all__ = ["incompleteness", "joined"]

SHOWN = 5
"""Most speakers with a wrong number of utterances that are named; further ones are counted."""


def incompleteness(corpus: Corpus, reference: ReferenceCounts | None) -> str:
    """Say how the utterances of a corpus differ in number from the published ones.

    Returns
    -------
    str
        For example ``720 of 1,440 utterances, speakers 13 to 24 missing``; empty if all published counts of utterances,
        speakers and classes are met, or if nothing is published.
    """
    if reference is None:
        return ""
    speakers = Counter(utterance.speaker for utterance in corpus.utterances)
    labels = Counter(utterance.label for utterance in corpus.utterances)
    classes = [
        f"{name} ({labels[label]:,} of {count:,})"
        for label, (name, count) in enumerate(zip(corpus.classes, reference.classes, strict=True))
        if labels[label] != count
    ]
    missing = _missing(speakers, reference)
    counted = [
        f"{name} ({speakers[name]:,} of {count:,})"
        for name, count in reference.speakers.items()
        if speakers[name] and count not in (None, speakers[name])
    ]
    parts = [missing, f"speakers with other counts: {_some(counted)}" if counted else ""]
    if not any(parts) and classes:
        parts = [f"classes with other counts: {', '.join(classes)}"]
    if not any(parts):
        return ""
    total = f"{len(corpus.utterances):,} of {reference.utterances:,} utterances"
    return ", ".join([total, *filter(None, parts)])


def _missing(found: Mapping[str, int], reference: ReferenceCounts) -> str:
    absent = [name for name in reference.speakers if not found[name]]
    if not absent:
        return ""
    noun = "speaker" if len(absent) == 1 else "speakers"
    return f"{noun} {joined(absent, list(reference.speakers))} missing"


def joined(names: Sequence[str], order: Sequence[str]) -> str:
    """List names, with three or more that follow each other in `order` as a range.

    Examples
    --------
    >>> joined(["01", "03", "04", "05"], ["01", "02", "03", "04", "05"])
    '01, 03 to 05'
    """
    runs: list[list[str]] = []
    for name in names:
        if runs and order.index(name) == order.index(runs[-1][-1]) + 1:
            runs[-1].append(name)
        else:
            runs.append([name])
    return ", ".join(f"{run[0]} to {run[-1]}" if len(run) > 2 else ", ".join(run) for run in runs)


def _some(names: Sequence[str]) -> str:
    rest = len(names) - SHOWN
    return ", ".join(names[:SHOWN]) + (f" and {rest} more" if rest > 0 else "")
