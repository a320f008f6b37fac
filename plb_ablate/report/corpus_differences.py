"""How the corpus of a study differs from the published one, from its runs alone."""

from plb_ablate.ledger.store import AS_PUBLISHED
from plb_ablate.published import tables as published
from plb_ablate.report.study import Study

__all__ = ["corpus_differences"]


def corpus_differences(study: Study) -> str:
    """Say how the corpus differs; empty if it does not, or if the runs do not tell.

    All runs of a study have the same corpus. Runs of earlier versions have no tag; of them the number of utterances is
    compared.

    Examples
    --------
    >>> corpus_differences(study)  # doctest: +SKIP
    '720 of 1,440 utterances, speakers 13 to 24 missing'
    """
    told = next((run.corpus for run in study.folds if run.corpus), "")
    if told:
        return "" if told == AS_PUBLISHED else told
    run, wanted = study.folds[0], published.UTTERANCES.get(study.key.dataset)
    found = run.n_train + run.n_validation + run.n_test
    return f"{found:,} of {wanted:,} utterances" if wanted is not None and found not in (0, wanted) else ""
