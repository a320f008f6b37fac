"""Audit: every claim of the published page, and whether the runs at hand bear it out."""

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from plb_ablate.core.errors import PairingError
from plb_ablate.published import tables as published
from plb_ablate.published.curves import curves_kept
from plb_ablate.published.errata import ERRATA
from plb_ablate.report.analysis import Analysis, fold_scores
from plb_ablate.report.published.comparison import COLUMNS, departures
from plb_ablate.report.published.learning_curves import agreements
from plb_ablate.report.study import Study
from plb_ablate.report.tables.accuracy import display_name, summary
from plb_ablate.report.tables.model import Table, TableCell, cut, number, rounded, text
from plb_ablate.statistics.extremes import extreme_interval
from plb_ablate.statistics.paired_test import nadeau_bengio, pair
from plb_ablate.statistics.summary import wa_summary

__all__ = ["Claim", "claims", "claims_table", "claims_words"]

REPRODUCED, CONTRADICTED, OPEN = "reproduced", "contradicted", "not decidable"

WIDEST = 5.0
"""An interval whose half is wider than this many points holds too much to bear a WA cell out."""

Interval = tuple[float, float]


@dataclass(frozen=True)
class Claim:
    """One claim of the page: what it says, what the runs say, and what follows."""

    what: str
    says: TableCell
    ours: TableCell
    interval: Interval | None
    verdict: str
    errata: tuple[int, ...]


def claims(analysis: Analysis) -> list[Claim]:
    """Check every claim of the page about a study's dataset.

    They are 6 counts, 18 WA cells, 3 Δ cells, 3 winning rows, and for each variant whose learning curves were published
    that it trains as they show.
    """
    study = analysis.study
    return [*_counts(study), *_wa_cells(study), *_deltas(analysis), *_winners(study), *_trainings(analysis)]


def _errata(study: Study, names: Iterable[str], *more: int) -> tuple[int, ...]:
    names = set(names)
    found = {2, 3, 6, *more}
    found |= {1} if "spa_published" in names else set()
    found |= {7} if study.key.dataset == "iemocap" and names != {"none"} else set()
    found |= {8} if study.key.dataset != "iemocap" and "cbam" in names and len(names) > 1 else set()
    found |= {9} if study.key.dataset == "ravdess" and "routing" in names else set()
    return tuple(sorted(found))


def _counts(study: Study) -> list[Claim]:
    found = []
    for name, row in published.table(study.key.dataset).items():
        ours = study.params(name)
        verdict = OPEN if ours is None else REPRODUCED if ours == row.params else CONTRADICTED
        errata = (1,) if name == "spa_published" else ()
        what = f"#Params of {display_name(name)}"
        found.append(Claim(what, number(row.params), number(ours), None, verdict, errata))
    return found


def _wa_cells(study: Study) -> list[Claim]:
    found = []
    for name, row in published.table(study.key.dataset).items():
        intervals, ours = cell_intervals(study, name), _shown(study, name)
        for column, says, mine, interval in zip(COLUMNS, row.wa, ours, intervals, strict=True):
            narrow = interval is not None and (interval[1] - interval[0]) / 2 <= WIDEST
            verdict = _inside(study, says, interval, decided=narrow)
            what = f"{column} of {display_name(name)}"
            found.append(Claim(what, rounded(says), cut(mine), interval, verdict, _errata(study, [name])))
    return found


def _deltas(analysis: Analysis) -> list[Claim]:
    study, rows = analysis.study, published.table(analysis.study.key.dataset)
    shown = {name: _shown(study, name) for name in rows}
    found = []
    for i, (column, says) in enumerate(zip(COLUMNS, published.delta(study.key.dataset), strict=True)):
        others = [shown[name][i] for name in published.REMOVALS]
        ours = math.nan if any(map(math.isnan, others)) else shown["none"][i] - max(others)
        interval = delta_interval(analysis, i)
        decided = interval is not None and interval[0] * interval[1] > 0
        cells = rounded(says, signed=True), rounded(ours, signed=True)
        verdict = _inside(study, says, interval, decided=decided)
        found.append(Claim(f"Δ of {column}", *cells, interval, verdict, _errata(study, rows)))
    return found


def _trainings(analysis: Analysis) -> list[Claim]:
    dataset = analysis.study.key.dataset
    ours = {agreement.ablation: agreement for agreement in agreements(analysis)}
    found = []
    for name in curves_kept(dataset):
        agreement = ours.get(name)
        answer = agreement.answer if agreement else "not decidable"
        verdict = {"yes": REPRODUCED, "no": CONTRADICTED}.get(answer, OPEN)
        errata = (9,) if (dataset, name) == ("ravdess", "routing") else ()
        what = f"{display_name(name)} trains like the published one"
        found.append(Claim(what, text("yes"), text(answer), None, verdict, errata))
    return found


def _inside(study: Study, says: float, interval: Interval | None, *, decided: bool) -> str:
    """Judge a number: contradicted outside our interval, reproduced inside it if the interval decides anything."""
    if interval is None or departures(study):
        return OPEN
    if not interval[0] <= round(says, 2) <= interval[1]:
        return CONTRADICTED
    return REPRODUCED if decided else OPEN


def _winners(study: Study) -> list[Claim]:
    rows = published.table(study.key.dataset)
    shown = {name: _shown(study, name) for name in rows}
    found = []
    for i, column in enumerate(COLUMNS):
        winner = max(rows, key=lambda name: rows[name].wa[i])
        whole = {name: values[i] for name, values in shown.items() if not math.isnan(values[i])}
        ours = max(whole, key=lambda name: whole[name]) if len(whole) == len(rows) else None
        says, mine = text(display_name(winner)), text(display_name(ours)) if ours else number(None)
        verdict = OPEN if departures(study) else _wins(study, winner, i)
        found.append(Claim(f"best row of {column}", says, mine, None, verdict, _errata(study, rows)))
    return found


def _wins(study: Study, winner: str, column: int) -> str:
    """Judge a winner: reproduced if shown above every other row, contradicted if shown below one."""
    gaps = [_gap(study, winner, name, column) for name in published.table(study.key.dataset) if name != winner]
    if any(gap is not None and gap[1] < 0 for gap in gaps):
        return CONTRADICTED
    return REPRODUCED if all(gap is not None and gap[0] > 0 for gap in gaps) else OPEN


def _gap(study: Study, winner: str, other: str, column: int) -> Interval | None:
    """Give the 95 % interval of winner minus other in one column: paired for the mean, from both cells else."""
    if column == 2:
        rule, metric = study.primary_metric
        try:
            ours, theirs = (fold_scores(study, name, rule, metric) for name in (winner, other))
            pairs = pair(ours, theirs, other)
            low, high = nadeau_bengio(pairs.differences, pairs.n_train, pairs.n_test, pairs.folds).ci95
        except PairingError:
            return None
        return 100 * low, 100 * high
    a, b = cell_intervals(study, winner)[column], cell_intervals(study, other)[column]
    return None if a is None or b is None else (a[0] - b[1], a[1] - b[0])


def delta_interval(analysis: Analysis, column: int) -> Interval | None:
    """Give the 95 % interval of a Δ cell in points: of proposed minus the best other row.

    The mean's comes from the paired comparisons (the least difference lies between the least lower and the least upper
    end), the others' from the intervals of the cells.
    """
    study = analysis.study
    gaps = [_gap(study, "none", name, column) for name in published.REMOVALS]
    known = [gap for gap in gaps if gap is not None]
    if len(known) < len(gaps):
        return None
    return min(low for low, _ in known), min(high for _, high in known)


def cell_intervals(study: Study, ablation: str) -> tuple[Interval | None, Interval | None, Interval | None]:
    """Give the 95 % intervals, in percent, for another study's max, min and mean; None where folds are missing."""
    rule, metric = study.primary_metric
    found = fold_scores(study, ablation, rule, metric)
    if len(found) < len(study.seed_fold_pairs) or study.n_folds < 2:
        return None, None, None
    scores = [100 * cell.score for cell in found.values()]
    sizes = [cell.n_train for cell in found.values()], [cell.n_test for cell in found.values()]
    try:
        mean = nadeau_bengio(scores, *sizes, [fold for _, fold in found]).ci95
    except PairingError:
        return None, None, None
    low, high = extreme_interval(scores, study.n_folds)
    middle = wa_summary(scores).mean
    return _percent(low, high), _percent(2 * middle - high, 2 * middle - low), _percent(*mean)


def _percent(low: float, high: float) -> Interval:
    """Keep an interval of percentages inside what percentages can be."""
    return max(low, 0.0), min(high, 100.0)


def _shown(study: Study, ablation: str) -> tuple[float, float, float]:
    scores = study.scores(ablation, *study.primary_metric)
    return summary(scores.values()) if len(scores) == len(study.seed_fold_pairs) else (math.nan, math.nan, math.nan)


def claims_table(found: list[Claim]) -> Table:
    """Make the table of claims."""
    rows = []
    for claim in found:
        low, high = claim.interval or (None, None)
        errata = text(", ".join(map(str, claim.errata)))
        ends = rounded(low), rounded(high)
        rows.append((text(claim.what), claim.says, claim.ours, *ends, text(claim.verdict), errata))
    named = sorted({number for claim in found for number in claim.errata})
    return Table(
        "claims",
        "Every claim of the published page about this dataset, against the runs at hand.",
        ("claim", "published", "ours", "95 % low", "95 % high", "verdict", "errata"),
        tuple(rows),
        "lrrrrll",
        (
            "Contradicted: outside our 95 % interval (the corrected t-test's for a mean, a prediction interval for the "
            "largest and smallest of the folds). Reproduced: inside it, and the interval decides (a WA cell: no wider "
            f"than ±{WIDEST:g} points; Δ: its sign is shown; a best row: shown above every other; a training: its loss "
            "lies inside of the published folds' band). Else not decidable.",
            "Errata: " + " ".join(f"({number}) {ERRATA[number]}" for number in named),
        ),
    )


def claims_words(study: Study, found: list[Claim]) -> str:
    """Count the verdicts, and say why scores are not decided where the study is another experiment."""
    counts = Counter(claim.verdict for claim in found)
    counted = ", ".join(f"{counts[verdict]} {verdict}" for verdict in (REPRODUCED, CONTRADICTED, OPEN))
    words = f"{len(found)} claims: {counted}."
    other = departures(study)
    if other:
        words += f" Of the scores none is decided, for this is not the published study: {', '.join(other)}."
    return words
