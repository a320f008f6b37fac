"""Removal and control side by side: what a mechanism adds beyond the parameters of its module."""

import numpy as np
import pytest

from plb_ablate.report.analysis import analyse
from plb_ablate.report.page import sections
from plb_ablate.report.tables.mechanisms import mechanism_splits, mechanism_table, mechanism_words
from tests.report.studies import make_study, shown

RANDOM = np.random.default_rng(98)
WHOLE = 0.8 + 0.01 * RANDOM.normal(size=10)


def scores(below: float) -> list[float]:
    """Scores of ten folds that lie below those of the whole network."""
    return (WHOLE - below + 0.001 * RANDOM.normal(size=10)).tolist()


def test_the_differences_of_mechanism_and_parameters_add_up_to_that_of_the_removal() -> None:
    study = make_study(
        {
            "none": WHOLE.tolist(),
            "routing": scores(0.10),
            "routing_constant": scores(0.08),
            "cbam": scores(0.05),
            "cbam_constant": scores(0.0),
            "sa": scores(0.0),
        }
    )
    analysis = analyse(study)
    splits = mechanism_splits(analysis)
    rows = shown(mechanism_table(analysis, splits))
    assert [row[:2] for row in rows] == [["CBAM", "the method"], ["routing", "the method"]]
    for row in rows:
        assert float(row[3]) + float(row[7]) == pytest.approx(float(row[2]), abs=0.011)
    assert float(rows[1][3]) == pytest.approx(8, abs=0.2)
    assert float(rows[1][7]) == pytest.approx(2, abs=0.2)
    assert mechanism_words(analysis, splits).splitlines() == [
        "- CBAM, the method: its parameters raise it.",
        "- routing, the method: its mechanism raises it and its parameters raise it.",
    ]
    assert "Mechanism or parameters" in [section.title for section in sections(analysis)]


def test_a_control_without_its_removal_has_no_row() -> None:
    study = make_study({"none": WHOLE.tolist(), "routing_constant": scores(0.08), "cbam": scores(0.05)})
    assert mechanism_splits(analyse(study)) == []


def test_with_three_folds_nothing_is_shown() -> None:
    few = {
        name: values[:3]
        for name, values in (("none", WHOLE.tolist()), ("cbam", scores(0.1)), ("cbam_constant", scores(0.1)))
    }
    analysis = analyse(make_study(few))
    words = mechanism_words(analysis, mechanism_splits(analysis))
    assert words == "- CBAM, the method: neither its mechanism nor its parameters are shown to matter."
