"""Studies whose variants raced: the race is held again over the scores of their runs."""

import json
from dataclasses import replace

from plb_ablate.models.family import WHOLE
from plb_ablate.report.study import Study
from plb_ablate.statistics.paired_test import FoldScore
from plb_ablate.statistics.race import hold_race
from plb_ablate.statistics.race_standing import RacePlan, Round
from plb_ablate.tracking.race_tags import AT, PLAN

__all__ = ["decided_at", "not_missing", "raced_scores", "with_race"]


def with_race(study: Study) -> Study:
    """Return a study with its race, if one has let variants leave early.

    A study that has every training of its race is as any other: all of it was trained in the end.
    """
    reference = study.config(WHOLE)
    tags = (reference.raced if reference else None) or {}
    if PLAN not in tags or AT not in tags:
        return study
    told, looks = json.loads(tags[PLAN]), int(tags[AT].partition("/")[0])
    rounds = tuple((int(seed), fold) for seed in told["seeds"] for fold in range(study.n_folds))
    plan = RacePlan(tuple(told["variants"]), rounds, told["futility"])
    scores = {name: raced_scores(study, name) for name in (WHOLE, *plan.variants)}
    if not set(told["seeds"]) & set(study.seeds) or all(len(by_fold) == len(rounds) for by_fold in scores.values()):
        return study
    race = hold_race(plan, scores.pop(WHOLE), scores, lambda number, racing: number <= looks)
    return replace(study, race=race)


def raced_scores(study: Study, ablation: str) -> dict[Round, FoldScore]:
    """Return a variant's scores in the study's primary metric by (seed, fold)."""
    runs = study.runs(ablation)
    scores = study.scores(ablation, *study.primary_metric)
    return {place: FoldScore(score, runs[place].n_train, runs[place].n_test) for place, score in scores.items()}


def decided_at(study: Study, ablation: str) -> str:
    """Return after how many rounds a variant that was trained no further left, such as ``4/10``; empty for any other.

    The reference leaves with the last variant.
    """
    race = study.race
    if race is None:
        return ""
    total = len(race.plan.rounds)
    number = race.left.get(ablation, total)
    return f"{number}/{total}" if number < total else ""


def not_missing(study: Study, ablation: str) -> frozenset[Round]:
    """Return the (seed, fold) pairs that a variant does not need any more."""
    found = decided_at(study, ablation)
    return frozenset(study.race.plan.rounds[int(found.partition("/")[0]) :]) if study.race and found else frozenset()
