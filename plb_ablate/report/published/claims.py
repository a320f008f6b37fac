"""Audit: every claim of the published page, and whether these runs confirm it."""

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from plb_ablate.core.errors import PairingError
from plb_ablate.models.plb.family import PLB
from plb_ablate.published import tables as published
from plb_ablate.published.curves import curves_kept
from plb_ablate.published.errata import ERRATA, errata_of_curves
from plb_ablate.report.analysis import Analysis, fold_scores
from plb_ablate.report.published.comparison import COLUMNS, departures
from plb_ablate.report.published.learning_curves import agreements
from plb_ablate.report.study import Study
from plb_ablate.report.tables.accuracy import summary
from plb_ablate.report.tables.model import Table, TableCell, cut, number, rounded, text
from plb_ablate.statistics.extremes import extreme_interval
from plb_ablate.statistics.paired_test import nadeau_bengio, pair
from plb_ablate.statistics.summary import wa_summary

__all__ = ["Claim", "claims", "claims_table", "claims_words"]

REPRODUCED, CONTRADICTED, OPEN = "reproduced", "contradicted", "not decidable"

MAX_HALF_WIDTH = 5.0
"""Half-width in points above which an interval is too wide to confirm a WA cell."""

Interval = tuple[float, float]


@dataclass(frozen=True)
class Claim:
    """One claim of the page: its subject, the published and our value, our interval, and the verdict."""

    subject: str
    published: TableCell
    ours: TableCell
    interval: Interval | None
    verdict: str
    errata: tuple[int, ...]


def claims(analysis: Analysis) -> list[Claim]:
    """Check every claim of the page about a study's dataset.

    These are 6 parameter counts, 18 WA cells, 3 Δ cells, 3 best rows, and the learning curves of every variant whose
    curves were published.
    """
    study = analysis.study
    return [*_counts(study), *_wa_cells(study), *_deltas(analysis), *_winners(study), *_trainings(analysis)]


def _errata(study: Study, names: Iterable[str], *more: int) -> tuple[int, ...]:
    names = set(names)
    numbers = {2, 3, 6, *more, *errata_of_curves(study.key.dataset, names)}
    numbers |= {1} if "spa_published" in names else set()
    numbers |= {7} if study.key.dataset == "iemocap" and names != {"none"} else set()
    numbers |= {8} if study.key.dataset != "iemocap" and "cbam" in names and len(names) > 1 else set()
    return tuple(sorted(numbers))


def _counts(study: Study) -> list[Claim]:
    results = []
    for name, row in published.table(study.key.dataset).items():
        ours = study.params(name)
        verdict = OPEN if ours is None else REPRODUCED if ours == row.params else CONTRADICTED
        errata = (1,) if name == "spa_published" else ()
        subject = f"#Params of {PLB.display_name(name)}"
        results.append(Claim(subject, number(row.params), number(ours), None, verdict, errata))
    return results


def _wa_cells(study: Study) -> list[Claim]:
    results = []
    for name, row in published.table(study.key.dataset).items():
        intervals, ours = cell_intervals(study, name), _shown(study, name)
        for column, says, mine, interval in zip(COLUMNS, row.wa, ours, intervals, strict=True):
            narrow = interval is not None and (interval[1] - interval[0]) / 2 <= MAX_HALF_WIDTH
            verdict = _inside(study, says, interval, decided=narrow)
            subject = f"{column} of {PLB.display_name(name)}"
            results.append(Claim(subject, rounded(says), cut(mine), interval, verdict, _errata(study, [name])))
    return results


def _deltas(analysis: Analysis) -> list[Claim]:
    study, rows = analysis.study, published.table(analysis.study.key.dataset)
    shown = {name: _shown(study, name) for name in rows}
    results = []
    for i, (column, says) in enumerate(zip(COLUMNS, published.delta(study.key.dataset), strict=True)):
        others = [shown[name][i] for name in published.REMOVALS]
        ours = math.nan if any(map(math.isnan, others)) else shown["none"][i] - max(others)
        interval = delta_interval(analysis, i)
        decided = interval is not None and interval[0] * interval[1] > 0
        cells = rounded(says, signed=True), rounded(ours, signed=True)
        verdict = _inside(study, says, interval, decided=decided)
        results.append(Claim(f"Δ of {column}", *cells, interval, verdict, _errata(study, rows)))
    return results


def _trainings(analysis: Analysis) -> list[Claim]:
    dataset = analysis.study.key.dataset
    ours = {agreement.ablation: agreement for agreement in agreements(analysis)}
    results = []
    for name in curves_kept(dataset):
        agreement = ours.get(name)
        answer = agreement.answer if agreement else "not decidable"
        verdict = {"yes": REPRODUCED, "no": CONTRADICTED}.get(answer, OPEN)
        errata = errata_of_curves(dataset, [name])
        subject = f"{PLB.display_name(name)} trains like the published one"
        results.append(Claim(subject, text("yes"), text(answer), None, verdict, errata))
    return results


def _inside(study: Study, says: float, interval: Interval | None, *, decided: bool) -> str:
    """Judge a number: contradicted outside our interval; reproduced inside it, if the interval is narrow enough."""
    if interval is None or departures(study):
        return OPEN
    if not interval[0] <= round(says, 2) <= interval[1]:
        return CONTRADICTED
    return REPRODUCED if decided else OPEN


def _winners(study: Study) -> list[Claim]:
    rows = published.table(study.key.dataset)
    shown = {name: _shown(study, name) for name in rows}
    results = []
    for i, column in enumerate(COLUMNS):
        winner = max(rows, key=lambda name: rows[name].wa[i])
        whole = {name: values[i] for name, values in shown.items() if not math.isnan(values[i])}
        ours = max(whole, key=lambda name: whole[name]) if len(whole) == len(rows) else None
        says, mine = text(PLB.display_name(winner)), text(PLB.display_name(ours)) if ours else number(None)
        verdict = OPEN if departures(study) else _wins(study, winner, i)
        results.append(Claim(f"best row of {column}", says, mine, None, verdict, _errata(study, rows)))
    return results


def _wins(study: Study, winner: str, column: int) -> str:
    """Judge the best row: reproduced if significantly above every other row, contradicted if below one of them."""
    gaps = [_gap(study, winner, name, column) for name in published.table(study.key.dataset) if name != winner]
    if any(gap is not None and gap[1] < 0 for gap in gaps):
        return CONTRADICTED
    return REPRODUCED if all(gap is not None and gap[0] > 0 for gap in gaps) else OPEN


def _gap(study: Study, winner: str, other: str, column: int) -> Interval | None:
    """Return the 95 % interval of winner minus other in one column: paired for the mean, else from both cells."""
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
    """Return the 95 % interval of a Δ cell in points: proposed minus the best other row.

    For the mean it is computed from the paired comparisons (the smallest difference lies between the smallest lower and
    the smallest upper end), otherwise from the intervals of the cells.
    """
    study = analysis.study
    gaps = [_gap(study, "none", name, column) for name in published.REMOVALS]
    known = [gap for gap in gaps if gap is not None]
    if len(known) < len(gaps):
        return None
    return min(low for low, _ in known), min(high for _, high in known)


def cell_intervals(study: Study, ablation: str) -> tuple[Interval | None, Interval | None, Interval | None]:
    """Return the 95 % intervals, in percent, for another study's max, min and mean; None if folds are missing."""
    rule, metric = study.primary_metric
    by_fold = fold_scores(study, ablation, rule, metric)
    if len(by_fold) < len(study.seed_fold_pairs) or study.n_folds < 2:
        return None, None, None
    scores = [100 * cell.score for cell in by_fold.values()]
    sizes = [cell.n_train for cell in by_fold.values()], [cell.n_test for cell in by_fold.values()]
    try:
        mean = nadeau_bengio(scores, *sizes, [fold for _, fold in by_fold]).ci95
    except PairingError:
        return None, None, None
    low, high = extreme_interval(scores, study.n_folds)
    middle = wa_summary(scores).mean
    return _percent(low, high), _percent(2 * middle - high, 2 * middle - low), _percent(*mean)


def _percent(low: float, high: float) -> Interval:
    """Limit an interval of percentages to 0 to 100."""
    return max(low, 0.0), min(high, 100.0)


def _shown(study: Study, ablation: str) -> tuple[float, float, float]:
    scores = study.scores(ablation, *study.primary_metric)
    return summary(scores.values()) if len(scores) == len(study.seed_fold_pairs) else (math.nan, math.nan, math.nan)


def claims_table(results: list[Claim]) -> Table:
    """Make the table of claims."""
    rows = []
    for claim in results:
        low, high = claim.interval or (None, None)
        errata = text(", ".join(map(str, claim.errata)))
        ends = rounded(low), rounded(high)
        rows.append((text(claim.subject), claim.published, claim.ours, *ends, text(claim.verdict), errata))
    named = sorted({number for claim in results for number in claim.errata})
    return Table(
        "claims",
        "Every claim of the published page about this dataset, compared with these runs.",
        ("claim", "published", "ours", "95 % low", "95 % high", "verdict", "errata"),
        tuple(rows),
        "lrrrrll",
        (
            "Contradicted: outside our 95 % interval (corrected t-test for a mean, prediction interval for the largest "
            "and smallest fold). Reproduced: inside the interval, and the interval is narrow enough (WA: at most "
            f"±{MAX_HALF_WIDTH:g} points; Δ: it excludes 0; best row: significantly above every other row; training: "
            "the loss lies in the band of the published folds). Otherwise not decidable.",
            "Errata: " + " ".join(f"({number}) {ERRATA[number]}" for number in named),
        ),
    )


def claims_words(study: Study, results: list[Claim]) -> str:
    """Count the verdicts, and explain why scores are not judged if the study is a different experiment."""
    counts = Counter(claim.verdict for claim in results)
    counted = ", ".join(f"{counts[verdict]} {verdict}" for verdict in (REPRODUCED, CONTRADICTED, OPEN))
    words = f"{len(results)} claims: {counted}."
    other = departures(study)
    if other:
        words += f" Scores are not judged because this is not the published study: {', '.join(other)}."
    return words
