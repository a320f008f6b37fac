"""The finished runs of a study, sorted and counted; independent of MLflow."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from plb_ablate.config.protocol import ALLOWED_RULES, RULES
from plb_ablate.models.family import ModelFamily
from plb_ablate.models.plb.family import PLB
from plb_ablate.models.registry import family_in_results
from plb_ablate.published.tables import DATASETS
from plb_ablate.statistics.race import Race

__all__ = ["PRIMARY_METRIC", "ConfigRun", "FoldRun", "Study", "StudyKey", "group_studies"]

PRIMARY_METRIC = {name: (rules[0], "score" if name == "published" else "wa") for name, rules in ALLOWED_RULES.items()}
"""Epoch-selection rule and metric of a protocol's verdict and first table; ``published`` uses the published score."""


@dataclass(frozen=True, order=True)
class StudyKey:
    """What runs must share to be compared; runs with different keys are never in one table."""

    dataset: str
    protocol: str
    trainer: str
    reverse: str
    config_hash: str
    model: str = PLB.name
    modules: tuple[str, ...] = ()

    @classmethod
    def of_tags(cls, tags: Mapping[str, str]) -> "StudyKey":
        """Return the key of a run with these tags; a run without the tag ``model`` is of the published network."""
        modules = tuple(filter(None, (tags.get("modules") or "").split(",")))
        names = ("dataset", "protocol", "trainer", "reverse", "config_hash")
        dataset, protocol, trainer, reverse, config_hash = (tags[name] for name in names)
        return cls(dataset, protocol, trainer, reverse, config_hash, tags.get("model") or PLB.name, modules)

    @property
    def family(self) -> ModelFamily:
        """The model family of the runs."""
        return family_in_results(self.model, self.modules)

    @property
    def of_published_study(self) -> bool:
        """Whether the published study has a table for this model and dataset."""
        return self.family.published and self.dataset in DATASETS

    @property
    def slug(self) -> str:
        """Folder name of the study's files below its dataset."""
        model = "" if self.model == PLB.name else f"{self.model}_"
        reverse = "" if self.reverse == "coefficient" else f"_{self.reverse}"
        return f"{model}{self.protocol}_{self.trainer}{reverse}_{self.config_hash[:8]}"


@dataclass(frozen=True)
class FoldRun:
    """One finished training: one fold of one variant.

    Parameters
    ----------
    scores : mapping of str to mapping of str to float
        Rule to metric to value; fractions in [0, 1].
    selection_rule : str
        Epoch-selection rule that the run's settings put first; empty for the default of its protocol.
    seconds : float
        Training time.
    diverged : bool
        Whether the training loss of the last epoch is not finite; the scores of such a run are not used.
    tags : mapping of str to str
        Provenance: commit, hardware, versions.
    corpus : str
        How the corpus differs from the published one (`plb_ablate.report.corpus_differences`); empty if not told.
    features : str
        Label of the features (`plb_ablate.config.features`) if they are not the published ones; else empty.
    training : str
        How the training differs from the published one, its length aside.
    """

    run_id: str
    key: StudyKey
    ablation: str
    seed: int
    fold: int
    n_folds: int
    scores: Mapping[str, Mapping[str, float]]
    selection_rule: str = ""
    seconds: float = math.nan
    n_train: int = 0
    n_validation: int = 0
    n_test: int = 0
    diverged: bool = False
    tags: Mapping[str, str] | None = None
    corpus: str = ""
    features: str = ""
    training: str = ""

    def value(self, rule: str, metric: str) -> float:
        """Return one score as a fraction; NaN if the run has none or its training diverged."""
        return math.nan if self.diverged else self.scores.get(rule, {}).get(metric, math.nan)


@dataclass(frozen=True)
class ConfigRun:
    """One finished parent run, a variant under a seed: its parameter counts, artifacts, and the tags of its race."""

    run_id: str
    key: StudyKey
    ablation: str
    seed: int
    ended: int
    params: int | None = None
    trainable: int | None = None
    modules: Mapping[str, int] | None = None
    artifacts: str = ""
    tags: Mapping[str, str] | None = None
    raced: Mapping[str, str] | None = None


@dataclass(frozen=True)
class Study:
    """All finished runs that may be in one table.

    Parameters
    ----------
    folds : tuple of FoldRun
        Each (ablation, seed, fold) once, in row order.
    configs : tuple of ConfigRun
        Each (ablation, seed) at most once, in row order.
    race : Race, optional
        The race that let variants leave early (`plb_ablate.report.raced`).
    """

    key: StudyKey
    folds: tuple[FoldRun, ...]
    configs: tuple[ConfigRun, ...] = ()
    race: Race | None = None

    @cached_property
    def ablations(self) -> tuple[str, ...]:
        """Variants with a finished parent or fold run, in row order."""
        names = {run.ablation for run in self.folds} | {run.ablation for run in self.configs}
        return tuple(sorted(names, key=self.key.family.row_order))

    def display_name(self, ablation: str) -> str:
        """Return the name of a variant's row in tables and figures."""
        return self.key.family.display_name(ablation)

    @cached_property
    def seeds(self) -> tuple[int, ...]:
        """All seeds of the runs."""
        return tuple(sorted({run.seed for run in self.folds}))

    @cached_property
    def n_folds(self) -> int:
        """Number of folds of the protocol."""
        return max(run.n_folds for run in self.folds)

    @cached_property
    def seed_fold_pairs(self) -> tuple[tuple[int, int], ...]:
        """(seed, fold) pairs of a complete variant."""
        return tuple((seed, fold) for seed in self.seeds for fold in range(self.n_folds))

    @cached_property
    def rules(self) -> tuple[str, ...]:
        """Epoch-selection rules for which at least one run has scores."""
        return tuple(rule for rule in RULES if any(rule in run.scores for run in self.folds))

    @property
    def primary_metric(self) -> tuple[str, str]:
        """Epoch-selection rule and metric of the verdict and the first table."""
        rule, metric = PRIMARY_METRIC.get(self.key.protocol, ("last", "wa"))
        return (self.folds[0].selection_rule or rule, metric)

    @cached_property
    def _by_cell(self) -> dict[str, dict[tuple[int, int], FoldRun]]:
        table: dict[str, dict[tuple[int, int], FoldRun]] = {}
        for run in self.folds:
            table.setdefault(run.ablation, {})[run.seed, run.fold] = run
        return table

    def runs(self, ablation: str) -> dict[tuple[int, int], FoldRun]:
        """Return the finished runs of a variant by (seed, fold); empty if there are none."""
        return self._by_cell.get(ablation, {})

    def scores(self, ablation: str, rule: str, metric: str) -> dict[tuple[int, int], float]:
        """Return a variant's finite scores by (seed, fold), as fractions, in order of seed and fold."""
        runs = self.runs(ablation)
        values = {pair: runs[pair].value(rule, metric) for pair in self.seed_fold_pairs if pair in runs}
        return {pair: value for pair, value in values.items() if math.isfinite(value)}

    def missing(self, ablation: str, rule: str, metric: str) -> list[tuple[int, int]]:
        """List the (seed, fold) pairs for which a variant has no finite score."""
        present = self.scores(ablation, rule, metric)
        return [pair for pair in self.seed_fold_pairs if pair not in present]

    def config(self, ablation: str) -> ConfigRun | None:
        """Return the parent run of a variant (of its lowest seed); None if none is finished."""
        return next((run for run in self.configs if run.ablation == ablation), None)

    def params(self, ablation: str) -> int | None:
        """Return a variant's parameter count; None if no finished parent run has it."""
        config = self.config(ablation)
        return None if config is None else config.params

    @cached_property
    def n_utterances(self) -> int:
        """Number of utterances in all folds together; 0 if no variant has all folds of a seed."""
        done: Counter[tuple[str, int]] = Counter((run.ablation, run.seed) for run in self.folds)
        whole = next((pair for pair in sorted(done) if done[pair] == self.n_folds), None)
        return sum(run.n_test for run in self.folds if (run.ablation, run.seed) == whole)


def group_studies(folds: Iterable[FoldRun], configs: Iterable[ConfigRun] = ()) -> list[Study]:
    """Sort runs into studies.

    Parameters
    ----------
    folds : iterable of FoldRun
        Finished fold runs in any order, each cell once.
    configs : iterable of ConfigRun
        Finished parent runs in any order; of several of a variant the one that ended last is used.

    Returns
    -------
    list of Study
        Sorted by dataset, then protocol as in `PRIMARY_METRIC`, then trainer, direction and config hash.
    """
    by_key: dict[StudyKey, list[FoldRun]] = {}
    for run in sorted(folds, key=lambda run: (run.key.family.row_order(run.ablation), run.seed, run.fold)):
        by_key.setdefault(run.key, []).append(run)
    places: dict[tuple[StudyKey, str, int], ConfigRun] = {}
    for parent in sorted(configs, key=lambda run: (run.ended, run.run_id)):
        places[parent.key, parent.ablation, parent.seed] = parent
    parents = sorted(places.values(), key=lambda run: (run.key.family.row_order(run.ablation), run.seed))
    protocols = tuple(PRIMARY_METRIC)

    def order(key: StudyKey) -> tuple[str, int, StudyKey]:
        return key.dataset, protocols.index(key.protocol) if key.protocol in protocols else len(protocols), key

    return [
        Study(key, tuple(by_key[key]), tuple(run for run in parents if run.key == key))
        for key in sorted(by_key, key=order)
    ]
