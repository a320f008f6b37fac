"""The report of the published study: its tables as printed, and our statistics of its folds."""

from collections.abc import Sequence
from pathlib import Path

from plb_ablate.core.errors import ConfigError
from plb_ablate.models.plb.family import PLB
from plb_ablate.published import tables as published
from plb_ablate.published.errata import ERRATA
from plb_ablate.report.analysis import Analysis, effect
from plb_ablate.report.figures.comparison import write_figures
from plb_ablate.report.output_files import write_file
from plb_ablate.report.page import Section, page, write
from plb_ablate.report.published.comparison import COLUMNS
from plb_ablate.report.study import ConfigRun, FoldRun, Study, StudyKey
from plb_ablate.report.tables.accuracy import block_table
from plb_ablate.report.tables.cost_benefit import cost_table
from plb_ablate.report.tables.differences import comparison_table
from plb_ablate.report.tables.model import Table, TableCell, number, rounded, text
from plb_ablate.report.tables.race import looks_table, race_effect, race_table, race_words
from plb_ablate.report.tables.verdict import verdict

__all__ = ["printed_table", "published_race", "published_study", "published_verdict", "write_published"]


def published_study(dataset: str, ablations: Sequence[str]) -> Study:
    """Make a study of the published fold scores of variants (one score per fold, epoch selected on the test fold)."""
    key = StudyKey(dataset, "published", "published", "coefficient", "published page")
    kept = [name for name in ablations if name in published.folds_kept(dataset)]
    folds = [_fold_run(key, name, fold) for name in kept for fold in range(published.N_SPLITS)]
    rows = published.table(dataset)
    configs = [ConfigRun("", key, name, published.RANDOM_STATE, 0, rows[name].params) for name in kept if name in rows]
    return Study(key, tuple(folds), tuple(configs))


def _fold_run(key: StudyKey, ablation: str, fold: int) -> FoldRun:
    score = float(published.fold_scores(key.dataset, ablation)[fold])
    n, k = published.UTTERANCES[key.dataset], published.N_SPLITS
    n_test = n // k + (fold < n % k)
    return FoldRun(
        run_id="",
        key=key,
        ablation=ablation,
        seed=published.RANDOM_STATE,
        fold=fold,
        n_folds=k,
        scores={"best_test": {"score": score}},
        n_train=n - n_test,
        n_test=n_test,
    )


def printed_table(dataset: str) -> Table:
    """Make a published table as it is printed."""
    rows = [
        (text(PLB.display_name(name)), number(row.params), *map(rounded, row.wa))
        for name, row in published.table(dataset).items()
    ]
    delta = (rounded(value, signed=True) for value in published.delta(dataset))
    table = Table(
        "printed",
        f"{dataset} as printed on the published page.",
        ("Name", "#Params", *COLUMNS),
        (*rows, (text("Δ"), TableCell(""), *delta)),
        "lrrrr",
        ("Spa (published) is the row that the page calls Spa.",),
    )
    return table.with_best((2, 3, 4), range(len(rows)))


def write_published(out: Path, dataset: str | None = None) -> tuple[list[Analysis], list[Path]]:
    """Write ``<out>/published.md`` with its tables and figures; return the analyses and the files.

    Raises
    ------
    ConfigError
        If the study did not use `dataset`.
    """
    if dataset not in (None, *published.DATASETS):
        raise ConfigError(f"dataset={dataset} is not in the published study. It used {', '.join(published.DATASETS)}.")
    lines = [f"# The published study\n\nSource: {published.SOURCE}.\n"]
    lines += [
        "Errata that affect these numbers:\n",
        *(f"- ({number}) {words}" for number, words in ERRATA.items()),
        "",
    ]
    analyses, written = [], []
    for name in (dataset,) if dataset else published.DATASETS:
        analysis, folder = _analysis(name), Path("published") / name
        parts = _sections(analysis)
        written += write(parts, out / folder)
        figures = write_figures(analysis, out / folder)
        written += figures
        analyses.append(analysis)
        lines += [f"## {name}\n", page(parts, folder.as_posix(), [path.stem for path in figures])]
    return analyses, [*write_file(out / "published.md", "\n".join(lines)), *written]


def _analysis(dataset: str) -> Analysis:
    study = published_study(dataset, ("none", *published.REMOVALS))
    return Analysis(study, {"best_test": published.compare_published(dataset)}, {})


def published_verdict(analysis: Analysis) -> str:
    """Return the verdict on the published folds; without stored folds, the reason why there is none."""
    if analysis.primary_comparisons:
        return verdict(analysis)
    return (
        "**No verdict.** The fold scores of the removals were not kept (erratum 7), so the Δ of this table cannot be "
        "tested.\n"
    )


def published_race(analysis: Analysis) -> tuple[Table, Table, str]:
    """Replay the published folds as a race: its tables, and what it decided beside what all folds decide."""
    race = published.race_published(analysis.study.key.dataset)
    full = analysis.primary_comparisons
    other = [PLB.display_name(name) for name, (_, s) in race.standings.items() if race_effect(s) != effect(full[name])]
    same = f"Other verdicts than all folds: {', '.join(other)}." if other else "The same verdicts as from all folds."
    words = f"The published folds, looked at one by one. {same} {race_words(race, PLB.display_name)}"
    return race_table(race, PLB.display_name), looks_table(race, PLB.display_name), words


def _sections(analysis: Analysis) -> list[Section]:
    dataset = analysis.study.key.dataset
    parts = [Section("Verdict", words=published_verdict(analysis)), Section("As printed", (printed_table(dataset),))]
    if not analysis.primary_comparisons:
        return parts
    race, looks, words = published_race(analysis)
    parts += [
        Section("Differences from the proposed model", (comparison_table(analysis),), figure="forest"),
        Section("Decided with fewer trainings", (race, looks), words),
        Section("Fold by fold", figure="paired"),
        Section("Cost and benefit", (cost_table(analysis),)),
    ]
    if "backward_only" in published.folds_kept(dataset):
        note = (
            "The released single-stream experiment applies the capsule gate once more than the ablation of this name."
        )
        streams = block_table(published_study(dataset, ("none", "backward_only")))
        parts.append(Section("The block itself", (streams,), note))
    return parts
