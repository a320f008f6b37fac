"""A corpus of one's own from the entries of a table or a folder, with everything that is wrong in one error."""

import os
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from plb_ablate.config.dataset import Dataset
from plb_ablate.core.errors import CorpusError
from plb_ablate.data.corpus import Corpus, Grouping, Utterance

__all__ = ["Entry", "Problems", "corpus_of"]

MOST_SHOWN = 20
"""Most problems of one kind that an error lists; further ones are counted."""

FEW = 5
"""Most entries that a problem of several names."""

SPLITS = ("train", "training", "dev", "devel", "development", "val", "valid", "validation", "test", "testing")
"""Names of splits, which are no names of folds."""


class Entry(NamedTuple):
    """One recording as the user gives it.

    Parameters
    ----------
    where : str
        What to look for to correct it: ``row 7``, or its path.
    path : Path
        Audio file.
    label : str
        As it is written.
    speaker, session, gender, fold : str
        Empty if not given.
    """

    where: str
    path: Path
    label: str
    speaker: str = ""
    session: str = ""
    gender: str = ""
    fold: str = ""


@dataclass
class Problems:
    """Everything that is wrong with a corpus, by kind, to be raised together."""

    found: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    def add(self, kind: str, words: str) -> None:
        """Note a problem; those of one kind are listed together."""
        self.found[kind].append(words)

    def check(self, source: str) -> None:
        """Raise an error that lists all problems, if there are any.

        Raises
        ------
        CorpusError
            The message has a line for each problem, `MOST_SHOWN` of one kind at most.
        """
        if not self.found:
            return
        number = sum(map(len, self.found.values()))
        lines = []
        for kind, words in self.found.items():
            lines += words[:MOST_SHOWN]
            lines += [f"... and {len(words) - MOST_SHOWN:,} more: {kind}"] if len(words) > MOST_SHOWN else []
        noun = "problem" if number == 1 else "problems"
        raise CorpusError(f"{source}: {number:,} {noun}:\n  " + "\n  ".join(lines) + "\nCorrect them, and start again.")


def corpus_of(
    dataset: Dataset,
    entries: Sequence[Entry],
    problems: Problems,
    *,
    source: str,
    protocol: str = "",
    notes: Sequence[str] = (),
) -> Corpus:
    """Make a corpus of entries, in their order.

    Parameters
    ----------
    dataset : Dataset
        Says which labels are used, and how they are merged to classes.
    entries : sequence of Entry
        The recordings.
    problems : Problems
        What is wrong already; all that is found here is added.
    source : str
        The setting that names the table or folder, for the message.
    protocol : str
        Name of the protocol whose needs are checked; empty for none.
    notes : sequence of str
        Sentences on what was read.

    Raises
    ------
    CorpusError
        If anything is wrong: a recording is missing or given twice, a label is empty or not among the classes, a class
        has one utterance, a column has gaps, or a speaker has two genders or sessions.
    """
    _check_recordings(entries, problems)
    used, dropped = _used(dataset, entries, problems)
    class_of = _classes(dataset, used)
    for column in ("speaker", "session", "gender", "fold"):
        _check_column(used, column, problems)
    for column in ("session", "gender"):
        _check_speakers(used, column, problems)
    _check_classes(dataset, used, class_of, problems)
    if protocol == "predefined":
        _check_folds(used, problems)
    problems.check(source)
    if dropped:
        left_out = ", ".join(f"{label} ({count:,})" for label, count in dropped.most_common())
        number = f"{dropped.total():,} of {len(entries):,} recordings"
        notes = [*notes, f"{dataset.name}: {number} left out, whose labels are not in dataset.classes: {left_out}."]
    root = _common_folder(dataset, used)
    names = list(dict.fromkeys(class_of.values()))
    utterances = tuple(
        Utterance(
            entry.path,
            names.index(class_of[entry.label]),
            entry.speaker,
            entry.session or entry.speaker,
            entry.gender,
            fold=entry.fold,
        )
        for entry in used
    )
    return Corpus(dataset.name, root, tuple(names), utterances, tuple(notes), _grouping(used))


def _check_recordings(entries: Sequence[Entry], problems: Problems) -> None:
    first: dict[Path, str] = {}
    for entry in entries:
        if not entry.label:
            problems.add("empty labels", f"{entry.where}: the label is empty")
        if (earlier := first.setdefault(entry.path, entry.where)) != entry.where:
            problems.add("recordings given twice", f"{entry.where}: {entry.path} is also in {earlier}")
        elif not entry.path.is_file():
            problems.add("missing recordings", f"{entry.where}: {entry.path} does not exist")


def _used(dataset: Dataset, entries: Sequence[Entry], problems: Problems) -> tuple[list[Entry], Counter[str]]:
    """Return the entries whose labels are used, and how many of each other label are left out."""
    labelled = [entry for entry in entries if entry.label]
    if dataset.classes is None:
        return labelled, Counter()
    wanted = {label for labels in dataset.classes.values() for label in labels}
    other = [entry for entry in labelled if entry.label not in wanted]
    if not dataset.ignore_other_labels:
        for label in dict.fromkeys(entry.label for entry in other):
            places = [entry.where for entry in other if entry.label == label]
            more = f" and {len(places) - FEW:,} more" if len(places) > FEW else ""
            problems.add(
                "labels outside dataset.classes",
                f"the label {label!r} of {', '.join(places[:FEW])}{more} is not in dataset.classes; add it, or leave "
                "such recordings out with dataset.ignore_other_labels=true",
            )
    return [entry for entry in labelled if entry.label in wanted], Counter(entry.label for entry in other)


def _classes(dataset: Dataset, entries: Sequence[Entry]) -> dict[str, str]:
    """Return the class of each label, in the order of the classes."""
    if dataset.classes is None:
        return {label: label for label in sorted({entry.label for entry in entries})}
    return {label: name for name, labels in dataset.classes.items() for label in labels}


def _check_classes(dataset: Dataset, entries: Sequence[Entry], class_of: Mapping[str, str], problems: Problems) -> None:
    members: dict[str, list[Entry]] = {name: [] for name in class_of.values()}
    for entry in entries:
        members[class_of[entry.label]].append(entry)
    for name, own in members.items():
        if len(own) < 2:
            number = f"1 utterance ({own[0].where})" if own else "0 utterances"
            problems.add("too few utterances", f"class {name}: {number}; a class needs two or more")
    labels = {entry.label for entry in entries}
    for label, name in class_of.items():
        if label not in labels and members[name]:
            problems.add("unknown labels", f"dataset.classes: no recording has the label {label!r} of class {name}")
    if dataset.classes is None and len(members) == 1:
        problems.add("too few classes", f"all recordings have the label {next(iter(members))!r}; give two or more")


def _check_column(entries: Sequence[Entry], column: str, problems: Problems) -> None:
    """Note the gaps of a column that is not empty."""
    gaps = [entry for entry in entries if not getattr(entry, column)]
    if len(gaps) < len(entries):
        for entry in gaps:
            problems.add(f"gaps in {column}", f"{entry.where}: the {column} is empty; fill it in, or give none at all")


def _check_speakers(entries: Sequence[Entry], column: str, problems: Problems) -> None:
    """Note the speakers who have two values of a column."""
    first: dict[str, Entry] = {}
    for entry in entries:
        earlier = first.setdefault(entry.speaker, entry)
        said, other = getattr(earlier, column), getattr(entry, column)
        if entry.speaker and said and other and said != other:
            problems.add(
                f"speakers with two values of {column}",
                f"{entry.where}: speaker {entry.speaker} has the {column} {other!r}, but {said!r} in {earlier.where}",
            )


def _check_folds(entries: Sequence[Entry], problems: Problems) -> None:
    for entry in entries:
        if entry.fold.lower() in SPLITS:
            problems.add(
                "splits instead of folds",
                f"{entry.where}: fold {entry.fold!r} is the name of a split; protocol=predefined needs the name of the "
                "fold that tests the recording, such as 1 to 5",
            )
    if len({entry.fold for entry in entries} - {""}) == 1:
        problems.add(
            "one fold", f"all recordings are in fold {entries[0].fold!r}; protocol=predefined needs two or more"
        )


def _common_folder(dataset: Dataset, entries: Sequence[Entry]) -> Path:
    """Return the root if it contains all recordings, else the folder that does; paths below it name the utterances."""
    root = Path(os.path.abspath(dataset.root))  # noqa: PTH100 - links stay as they are
    if all(entry.path.is_relative_to(root) for entry in entries):
        return root
    return Path(os.path.commonpath([entry.path.parent for entry in entries]))


def _grouping(entries: Sequence[Entry]) -> Grouping:
    choices: list[tuple[Grouping, Callable[[Entry], str]]] = [
        ("session", lambda entry: entry.session),
        ("gender", lambda entry: entry.gender),
        ("speaker", lambda entry: entry.speaker),
    ]
    known = any(entry.speaker for entry in entries)
    return next((name for name, given in choices if known and any(map(given, entries))), "")
