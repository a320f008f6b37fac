"""The verdict of a study in words: what is shown for the method, what for these trainings only, and what is open."""

from plb_ablate.config.protocol import RULE_LABELS
from plb_ablate.models.family import WHOLE
from plb_ablate.report.analysis import ALPHA, CERTAIN, Analysis, effect, points
from plb_ablate.report.corpus_differences import corpus_differences
from plb_ablate.report.study import Study
from plb_ablate.report.tables.accuracy import METRIC_NAMES, doubtful_notes
from plb_ablate.report.tables.differences import design, p_cell
from plb_ablate.report.tables.race import BIASED, race_words
from plb_ablate.statistics.comparison import Comparison
from plb_ablate.statistics.equivalence import ROPE
from plb_ablate.statistics.population_comparison import PopulationComparison
from plb_ablate.statistics.race import Race

__all__ = ["QUESTIONS", "evidence", "sample", "verdict"]

QUESTIONS = (
    "Two questions are kept apart. **These trainings**: would the networks that were trained here with the module be "
    "better than those trained without it, on further utterances of further speakers? It says nothing about networks "
    "trained with another seed. **The method**: would training again, with other seeds and other recordings to train "
    "on, favour the module on average? Only the second is a statement about the module."
)
"""What the two questions mean."""

_SAME = f"Δ within ±{100 * ROPE:g} point, probability {100 * CERTAIN:g} % or more"

_GROUPS = {
    "costs": "Shown for the method: significant loss when removed",
    "gains": "Shown for the method: significant gain when removed",
    "costs_here": "Shown for these trainings only: significant loss when removed",
    "gains_here": "Shown for these trainings only: significant gain when removed",
    "equivalent": f"Shown not to matter, for the method: equivalent when removed ({_SAME})",
    "equivalent_here": f"Shown not to matter, for these trainings only: equivalent when removed ({_SAME})",
    "inconclusive": "Open (inconclusive)",
}


def _counted(variants: int) -> str:
    return f"{variants} variant{'' if variants == 1 else 's'}"


def verdict(analysis: Analysis) -> str:
    """Describe in Markdown which removals have a significant effect, under which protocol, and for which question."""
    study = analysis.study
    rule, _ = study.primary_metric
    if study.race:
        return _raced(study, study.race)
    lines = _opening(
        study,
        "Corrected paired t-test against the proposed model, Holm correction over "
        f"{_counted(len(analysis.primary_comparisons))} inside each question, significance level {100 * ALPHA:g} %.",
    )
    if rule in analysis.refused:
        return "\n".join([*lines, f"**No verdict.** {analysis.refused[rule]}\n"])
    if analysis.population_comparisons:
        lines.append(f"{QUESTIONS}\n")
    if not analysis.primary_comparisons:
        lines.append("**No verdict.** No variant has all folds of the proposed model.\n")
    lines += _groups(analysis)
    lines += [f"- **{note}**" for note in doubtful_notes(study, (rule,))]
    if analysis.not_compared:
        names = ", ".join(map(study.display_name, analysis.not_compared))
        lines.append(f"- **Not compared**, because folds are missing: {names}.")
    return "\n".join(lines) + "\n"


def _opening(study: Study, test: str) -> list[str]:
    """Say what the scores are, how they are tested, and what speaks against them."""
    rule, metric = study.primary_metric
    lines = [
        f"Under protocol={study.key.protocol}, {METRIC_NAMES[metric]}, {RULE_LABELS[rule]}; {design(study)}. {test}\n"
    ]
    if differs := corpus_differences(study):
        lines.append(f"**The corpus is not the published one**: {differs}.\n")
    if rule == "best_test":
        lines.append("These scores are optimistic, because the epoch was selected on the test fold itself.\n")
    return lines


def _raced(study: Study, race: Race) -> str:
    """Describe what a race decided."""
    lines = _opening(
        study,
        "The variants raced: corrected paired t-test against the proposed model after every round, "
        f"{100 * race.plan.alpha:g} % over all looks, Holm correction over {_counted(len(race.plan.variants))}.",
    )
    lines.append(race_words(race, study.display_name).rstrip())
    beside = [name for name in study.ablations if name != WHOLE and name not in race.plan.variants]
    if beside:
        names = ", ".join(map(study.display_name, beside))
        lines.append(
            f"- **Not in the race**, hence without a test of the method here: {names}. Once every training of the race "
            "is done (`schedule=all`), all variants are compared."
        )
    lines += [f"- **{note}**" for note in doubtful_notes(study, study.primary_metric[:1])]
    return "\n".join([*lines, f"\n{BIASED}"]) + "\n"


def _groups(analysis: Analysis) -> list[str]:
    populations = analysis.population_comparisons
    words = {name: effect(c, populations.get(name)) for name, c in analysis.primary_comparisons.items()}
    lines = []
    for word, title in _GROUPS.items():
        names = [name for name in words if words[name] == word]
        if names:
            lines.append(f"- **{title}**")
            lines += [f"    - {_named(analysis, name)}: {_words(analysis, name, word)}" for name in names]
    return lines


def _named(analysis: Analysis, ablation: str) -> str:
    named = analysis.study.display_name(ablation)
    other = ablation in analysis.study.key.family.not_removals
    return named + (", a different model, not a removal" if other else "")


def _words(analysis: Analysis, name: str, word: str) -> str:
    population = analysis.population_comparisons.get(name)
    words = evidence(analysis.primary_comparisons[name], population, word)
    open_here = word.endswith("_here") or word == "inconclusive"
    return words + (_settled_by(population) if population and open_here else "")


def evidence(comparison: Comparison, population: PopulationComparison | None, word: str) -> str:
    """Describe in words what is known of a difference for both questions; `word` is what `effect` calls it."""
    method = _method(comparison, word)
    if population is None:
        return method
    return f"these trainings: {_population(population, word)}. The method: {method}"


def _population(population: PopulationComparison, word: str) -> str:
    test = population.tests["wa"]
    low, high = (points(end) for end in test.ci95)
    words = f"Δ {points(test.mean):+z.2f} points of true WA, 95 % {low:+z.2f} to {high:+z.2f} ({sample(population)}), "
    words += f"Holm p {p_cell(population.p_holm['wa']).text}"
    if word == "equivalent_here":
        words += f", P(equivalent) {population.posterior.p_equivalent:.2f}"
    return words


def sample(population: PopulationComparison) -> str:
    """Describe the sample of a comparison, for example ``535 utterances of 10 speakers``."""
    test = population.tests["wa"]
    speakers = (
        f" of {test.n_speakers} speaker{'s' * (test.n_speakers > 1)}" if test.n_speakers else ", speakers unknown"
    )
    return f"{test.n_utterances:,} utterances{speakers}"


def _method(c: Comparison, word: str) -> str:
    words = f"Δ {points(c.test.mean):+z.2f} points"
    if c.test.untestable:
        return f"{words}, no test: {c.test.untestable}"
    low, high = (points(end) for end in c.test.ci95)
    words += f", 95 % {low:+z.2f} to {high:+z.2f}, Holm p {p_cell(c.p_holm).text}"
    if word == "equivalent":
        words += f", P(equivalent) {c.posterior.p_equivalent:.2f}"
    if word == "inconclusive" or word.endswith("_here"):
        words += f"; minimum detectable Δ (80 % power) {points(c.minimal_delta):.2f} points; {_power_words(c)}"
    return words


def _settled_by(population: PopulationComparison) -> str:
    """Name the largest source of the uncertainty: what a next study needs more of."""
    largest = population.parts[0]
    if not largest.variance:
        return ""
    return f". More {largest.source} would narrow it most ({100 * largest.share:.0f} % of the variance)"


def _power_words(c: Comparison) -> str:
    if c.extra_seeds is None:
        return "no number of additional seeds gives 80 % power for the observed Δ on these recordings"
    if not c.extra_seeds:
        return "these runs have 80 % power for the observed Δ"
    at_least = "at least " if c.test.n == c.test.n_folds else ""
    seeds = f"{c.extra_seeds:,} additional seed{'s' * (c.extra_seeds > 1)}"
    return f"{at_least}{seeds} needed for 80 % power at the observed Δ"
