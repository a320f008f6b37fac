import subprocess
import sys
from dataclasses import replace

import pytest

from plb_ablate.models.plb.family import PLB
from plb_ablate.report.study import FoldRun, Study, StudyKey, group_studies

KEY = StudyKey("emodb", "published", "demo", "coefficient", "0123456789")


def run(ablation: str = "none", fold: int = 0, seed: int = 42, score: float = 0.5, **other: object) -> FoldRun:
    base = FoldRun(
        run_id=f"{ablation}-{seed}-{fold}",
        key=KEY,
        ablation=ablation,
        seed=seed,
        fold=fold,
        n_folds=2,
        scores={"best_test": {"score": score}},
        n_test=10 + fold,
    )
    return replace(base, **other)  # type: ignore[arg-type]


def test_rows_stand_in_the_published_order_then_streams_then_combinations() -> None:
    wanted = ["none", "dwscnn", "cbam", "spa", "spa_published", "sa", "routing", "routing_undilated", "forward_only"]
    wanted.append("backward_only")
    assert sorted(set(wanted), key=PLB.row_order) == wanted
    study = group_studies([run(name) for name in ("cbam+sa", "routing", "unheard_of", "none", "dwscnn+cbam", "spa")])[0]
    assert study.ablations == ("none", "spa", "routing", "dwscnn+cbam", "cbam+sa", "unheard_of")


def test_modules_need_not_be_those_of_the_published_study() -> None:
    key = replace(KEY, model="mine.py", modules=("residual", "spa"))
    study = group_studies([run(name, key=key) for name in ("residual+spa", "spa", "none", "residual")])[0]
    assert study.ablations == ("none", "residual", "spa", "residual+spa")
    assert [study.display_name(name) for name in study.ablations] == ["proposed", "residual", "spa", "residual+spa"]
    assert not key.of_published_study
    assert KEY.of_published_study


def test_the_names_of_scores_load_no_scikit_learn() -> None:
    program = (
        "import sys, plb_ablate.report.read_runs\n"
        "print([name for name in ('sklearn', 'tensorflow', 'mlflow') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


@pytest.mark.parametrize("name", ["dataset", "protocol", "trainer", "reverse", "config_hash", "model"])
def test_runs_that_differ_in_any_part_of_the_key_are_two_studies(name: str) -> None:
    other = run(key=replace(KEY, **{name: "other"}))  # type: ignore[arg-type]
    assert [len(study.folds) for study in group_studies([run(), other])] == [1, 1]


def test_missing_cells_are_those_of_every_seed_that_any_variant_has() -> None:
    study = group_studies([run(fold=0), run(fold=1), run("sa", 0), run("sa", 1), run("sa", 1, seed=43)])[0]
    assert study.missing("none", "best_test", "score") == [(43, 0), (43, 1)]
    assert study.missing("sa", "best_test", "score") == [(43, 0)]


def test_a_score_that_is_not_finite_is_missing() -> None:
    study = group_studies([run(fold=0, score=float("nan")), run(fold=1)])[0]
    assert study.missing("none", "best_test", "score") == [(42, 0)]


def test_the_corpus_is_counted_on_a_variant_with_all_its_folds() -> None:
    assert group_studies([run(fold=0), run("sa", 0), run("sa", 1)])[0].n_utterances == 21
    assert Study(KEY, (run(),)).n_utterances == 0
