"""Arranges the tables and figures of a study: the sections of a page, the page, and every table as CSV and LaTeX."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from plb_ablate.models.plb.family import PLB
from plb_ablate.report.analysis import Analysis
from plb_ablate.report.figures.comparison import FIGURES, write_figures
from plb_ablate.report.output_files import write_file
from plb_ablate.report.published.claims import claims, claims_table, claims_words
from plb_ablate.report.published.comparison import beside_table, departures
from plb_ablate.report.published.learning_curves import agreement_table, agreements, judged_table
from plb_ablate.report.study import Study
from plb_ablate.report.tables.accuracy import accuracy_table, block_table, wa_table
from plb_ablate.report.tables.benchmarks import inference_table, memory_table
from plb_ablate.report.tables.cost_benefit import cost_table
from plb_ablate.report.tables.mechanisms import mechanism_splits, mechanism_table, mechanism_words
from plb_ablate.report.tables.model import Table
from plb_ablate.report.tables.module_effects import effect_table, interaction_table, share_table
from plb_ablate.report.tables.module_words import interaction_words, module_words
from plb_ablate.report.tables.optimism_gap import delta_by_rule_table, gap_table, gap_words
from plb_ablate.report.tables.populations import parts_table, population_table
from plb_ablate.report.tables.provenance import fold_csv, origin_table, run_table
from plb_ablate.report.tables.race import difference_tables
from plb_ablate.report.tables.removal_check import removal_table
from plb_ablate.report.tables.render import FORMATS, to_markdown
from plb_ablate.report.tables.verdict import verdict

__all__ = ["Chapter", "Section", "heading", "page", "sections", "write", "write_chapters", "write_page"]


@dataclass(frozen=True)
class Section:
    """A heading with a text, tables and a figure."""

    title: str
    tables: tuple[Table, ...] = ()
    words: str = ""
    figure: str = ""

    def is_empty(self, drawn: Collection[str]) -> bool:
        """Whether the section has no content, given the names of the figures that were drawn."""
        return not (self.words or self.tables or self.figure in drawn)


_NO_PREDICTIONS = (
    "The predictions of these runs cannot be read, so that only the method is compared, by the scores of its folds."
)


@dataclass(frozen=True)
class Chapter:
    """One study of a page.

    Parameters
    ----------
    dataset, heading : str
        Dataset, and title of the study.
    folder : Path
        Folder of its files, relative to the folder of reports.
    sections : tuple of Section
        Content.
    figures : mapping of str to Path
        Name to file of the figures that were drawn.
    files : tuple of Path
        All files that were written for it.
    """

    dataset: str
    heading: str
    folder: Path
    sections: tuple[Section, ...]
    figures: Mapping[str, Path]
    files: tuple[Path, ...]


def sections(analysis: Analysis, *, claimed: bool = True) -> list[Section]:
    """Make the sections of one study, in the order of the page.

    Parameters
    ----------
    analysis : Analysis
        The study.
    claimed : bool
        Whether to check the claims of the published page with this study; done for one study of a page only.
    """
    parts = [*_scores(analysis), *_differences(analysis), *_modules(analysis), *_audits(analysis, claimed)]
    return [*parts, *(_machine(analysis) if claimed else []), *_origin(analysis)]


def _scores(analysis: Analysis) -> list[Section]:
    study = analysis.study
    parts = [Section("Verdict", words=verdict(analysis)), Section("Table in the published layout", (wa_table(study),))]
    if study.key.of_published_study:
        parts.append(Section("The published table and ours", (beside_table(study),)))
    if any(name in study.ablations for name in study.key.family.streams):
        parts.append(Section("The block itself", (block_table(study),)))
    accuracies = [accuracy_table(study, rule, analysis.predictions.get(rule)) for rule in study.rules]
    parts.append(Section("True accuracies", tuple(accuracies)))
    return parts


def _differences(analysis: Analysis) -> list[Section]:
    study = analysis.study
    here = (population_table(analysis), parts_table(analysis)) if analysis.population_comparisons else ()
    words = "" if here or study.race or not study.folds else _NO_PREDICTIONS
    parts = [
        Section("Differences from the proposed model", (*here[:1], *difference_tables(analysis)), words, "forest"),
        *([Section("Where the uncertainty comes from", here[1:])] if here else []),
        *_mechanisms(analysis),
        Section("Fold by fold", figure="paired"),
        Section("Learning curves", figure="curves"),
        *_reproduction(analysis),
        Section("Confusion matrices", figure="confusion"),
    ]
    if len(study.rules) > 1:
        tables = (gap_table(study), delta_by_rule_table(analysis))
        parts.append(Section("Optimism gap", tables, gap_words(analysis), "gap"))
    return parts


def _mechanisms(analysis: Analysis) -> list[Section]:
    splits = mechanism_splits(analysis)
    tables = (mechanism_table(analysis, splits),) if splits else ()
    return [Section("Mechanism or parameters", tables, mechanism_words(analysis, splits))] if tables else []


def _modules(analysis: Analysis) -> list[Section]:
    found = analysis.module_effects
    if found is None:
        return []
    tables = (effect_table(analysis, found),) if found.effects else ()
    parts = [Section("Effects of the modules", tables, module_words(found), "effects")]
    if found.interactions:
        table = interaction_table(analysis, found)
        parts.append(Section("Interactions of the modules", (table,), interaction_words(found), "interactions"))
    if found.shares:
        parts.append(Section("Shares of the modules", (share_table(analysis, found),)))
    return [*parts, Section("Variants by number of removals", figure="variants")]


def _reproduction(analysis: Analysis) -> list[Section]:
    compared, dataset = agreements(analysis), analysis.study.key.dataset
    if not compared:
        return []
    tables = (agreement_table(dataset, compared), judged_table(dataset, compared))
    return [Section("Learning curves over the published ones", tables, figure="published_curves")]


def _audits(analysis: Analysis, claimed: bool) -> list[Section]:
    study = analysis.study
    parts = [
        Section("Audit: leakage", words=_leaks(analysis.leaks)),
        Section("Audit: removals took effect", (removal_table(study),)),
    ]
    if claimed and study.key.of_published_study:
        checked = claims(analysis)
        table, words = claims_table(checked), claims_words(study, checked)
        parts.append(Section("Audit: published against reproduced", (table,), words))
    return parts


def _leaks(leaks: Sequence[str] | None) -> str:
    if leaks is None:
        return "No leakage audit is stored with these runs."
    if not leaks:
        return "The audit stored with these runs found no leakage between the splits of a fold."
    return "The audit stored with these runs warns:\n\n" + "\n".join(f"- **{words}**" for words in leaks)


def _machine(analysis: Analysis) -> list[Section]:
    key = analysis.study.key
    inference, memory = (
        [run for run in analysis.measured.get(level, []) if run.tags.get("model", PLB.name) == key.model]
        for level in ("inference", "memory")
    )
    parts = []
    if inference:
        parts.append(Section("Real-time inference, ours and published", (inference_table(inference, key.dataset),)))
    if memory:
        parts.append(Section("Memory, ours and published", (memory_table(memory),)))
    return parts


def _origin(analysis: Analysis) -> list[Section]:
    study = analysis.study
    runs = (run_table(study, analysis.run_page),) if study.configs else ()
    return [
        Section("Parameters by module", figure="parameters"),
        Section("Cost and benefit", (cost_table(analysis),)),
        Section("Provenance", (origin_table(study), *runs)),
    ]


def heading(study: Study) -> str:
    """Return the title of a study: the settings that distinguish it from others."""
    key = study.key
    reverse = "" if key.reverse == "coefficient" else f", reverse={key.reverse}"
    features = f", features {study.folds[0].features}" if study.folds[0].features else ""
    model = "" if key.family.published else f"model={key.model}, "
    how = f"{model}protocol={key.protocol}, trainer={key.trainer}{reverse}{features}"
    return f"{how}, seed {', '.join(map(str, study.seeds))} (config {key.config_hash[:8]})"


def page(parts: Sequence[Section], folder: str, drawn: Collection[str]) -> str:
    """Return sections as Markdown; figures are linked in `folder`."""
    lines = []
    for section in parts:
        if section.is_empty(drawn):
            continue
        lines.append(f"### {section.title}\n")
        lines += [f"{section.words.strip()}\n"] if section.words else []
        lines += [to_markdown(table) for table in section.tables]
        if section.figure in drawn:
            lines.append(f"![{FIGURES[section.figure][0]}]({folder}/{section.figure}.png)\n")
    return "\n".join(lines)


def write_chapters(dataset: str, analyses: Sequence[Analysis], out: Path) -> list[Chapter]:
    """Write the tables and figures of a dataset's studies to ``<out>/<dataset>/<study>/``; return the chapters.

    Equal analyses give equal bytes.
    """
    nearest = min(analyses, key=lambda analysis: len(departures(analysis.study)))
    chapters = []
    for analysis in analyses:
        study = analysis.study
        folder = Path(dataset) / study.key.slug
        parts = sections(analysis, claimed=analysis is nearest)
        figures = {path.stem: path for path in write_figures(analysis, out / folder)}
        folds = write_file(out / folder / "folds.csv", fold_csv(study))
        files = (*write(parts, out / folder), *figures.values(), *folds)
        chapters.append(Chapter(dataset, heading(study), folder, tuple(parts), figures, files))
    return chapters


def write_page(dataset: str, chapters: Sequence[Chapter], out: Path) -> list[Path]:
    """Write ``<out>/<dataset>.md``; return it as `write_file` does."""
    lines = [f"# {dataset}\n"]
    for chapter in chapters:
        lines += [f"## {chapter.heading}\n", page(chapter.sections, chapter.folder.as_posix(), chapter.figures)]
    return write_file(out / f"{dataset}.md", "\n".join(lines))


def write(parts: Sequence[Section], folder: Path) -> list[Path]:
    """Write every table of the sections as CSV and LaTeX; return the files."""
    tables = [table for section in parts for table in section.tables]
    contents = {folder / f"{table.name}.{end}": form(table) for table in tables for end, form in FORMATS.items()}
    return [file for path, content in contents.items() for file in write_file(path, content)]
