"""Studies made of plain scores, for tests that need no store."""

from collections.abc import Mapping, Sequence

from plb_ablate.report.study import ConfigRun, FoldRun, Study, StudyKey, group_studies
from plb_ablate.report.tables.model import Table
from tests.report.store import modules_of


def make_study(
    scores: Mapping[str, Sequence[float]],
    protocol: str = "published",
    seeds: Sequence[int] = (42,),
    n_folds: int = 0,
    *,
    dataset: str = "emodb",
    trainer: str = "demo",
    epochs: int = 4,
    n_utterances: int = 100,
    last: Mapping[str, Sequence[float]] | None = None,
) -> Study:
    """Make one study; every variant has its scores in order of seed and fold, short ones miss the last folds.

    The score is the same under every rule, unless `last` has another for the last epoch; true WA is a point lower.
    """
    key = StudyKey(dataset, protocol, trainer, "coefficient", "0123456789")
    n_folds = n_folds or max(map(len, scores.values())) // len(seeds)
    rules = ("best_test", "last") if protocol == "published" else ("best_test", "best_validation", "last")
    folds = []
    for name, values in scores.items():
        for i, score in enumerate(values):
            fold, seed = i % n_folds, seeds[i // n_folds]
            n_test = n_utterances // n_folds + (fold < n_utterances % n_folds)
            by_rule = dict.fromkeys(rules, score) | ({"last": last[name][i]} if last else {})
            folds.append(
                FoldRun(
                    run_id=f"{name}-{i}",
                    key=key,
                    ablation=name,
                    seed=seed,
                    fold=fold,
                    n_folds=n_folds,
                    scores={
                        rule: {"score": v, "wa": v - 0.01, "ua": v, "macro_f1": v, "epoch": epochs - 1.0}
                        for rule, v in by_rule.items()
                    },
                    seconds=10.0,
                    n_train=n_utterances - n_test,
                    n_test=n_test,
                )
            )
    modules = {name: modules_of(name) for name in scores}
    configs = [ConfigRun(name, key, name, 42, 0, sum(modules[name].values()), None, modules[name]) for name in scores]
    return group_studies(folds, configs)[0]


def shown(table: Table) -> list[list[str]]:
    """Give the texts of a table, the best ones with a star."""
    return [[cell.text + "*" * cell.best for cell in row] for row in table.rows]
