"""Designs by name, and what is the same network, zero or fixed whatever is trained."""

from collections.abc import Callable
from itertools import combinations, product
from pathlib import Path

import numpy as np
import pytest

from plb_ablate.config.compose import compose_sweep
from plb_ablate.config.designs import DESIGNS, alias_structure, planned_variants, removed_sets
from plb_ablate.config.lattice import Constructed, Lattice, ablation_name
from plb_ablate.config.schema import result_settings
from plb_ablate.config.source import ConfigSource
from plb_ablate.core.errors import ConfigError
from plb_ablate.models.plb.family import PLB as FAMILY

PLB = Lattice(tuple(FAMILY.modules), FAMILY.same_network)


def free(*modules: str) -> Lattice:
    """Modules of which none depends on another."""
    return Lattice(modules, str)


def gated(name: str) -> str:
    """A gate that lies in a branch: without the branch it is idle."""
    return "branch" if "branch" in name else name


GATED = Lattice(("branch", "gate"), gated)


@pytest.mark.parametrize("m", range(2, 9))
@pytest.mark.parametrize(
    ("design", "count"),
    [
        ("leave_one_out", lambda m: m + 1),
        ("add_one_in", lambda m: m + 2),
        ("factorial", lambda m: 2**m),
        ("half", lambda m: 2 ** (m - 1)),
        ("pairs", lambda m: 1 + m + m * (m - 1) // 2),
    ],
)
def test_every_design_of_two_to_eight_modules_has_its_size_and_the_whole_network(
    design: str, count: Callable[[int], int], m: int
) -> None:
    modules = [f"m{number}" for number in range(m)]
    if design == "half" and m < 4:
        with pytest.raises(ConfigError, match=f"half of {m} modules.*design=factorial, which has {2**m} combinations"):
            removed_sets(design, modules)
        return
    sets = removed_sets(design, modules)
    assert len(sets) == len(set(sets)) == count(m)
    assert sets[0] == frozenset()
    assert [len(removed) for removed in sets] == sorted(len(removed) for removed in sets)


def test_designs_remove_what_their_names_say() -> None:
    def names(design: str) -> list[str]:
        return [ablation_name(removed, "abcd") for removed in removed_sets(design, "abcd")]

    assert names("leave_one_out") == ["none", "a", "b", "c", "d"]
    assert names("add_one_in") == ["none", "a+b+c", "a+b+d", "a+c+d", "b+c+d", "a+b+c+d"]
    assert names("pairs") == ["none", "a", "b", "c", "d", "a+b", "a+c", "a+d", "b+c", "b+d", "c+d"]
    assert len(names("factorial")) == 16


@pytest.mark.parametrize("m", [4, 5, 6, 8])
def test_the_half_is_the_fraction_of_its_defining_relation(m: int) -> None:
    """The product of all columns of ±1 is +1 in every row; every main effect equals the product of all others."""
    modules = [f"m{number}" for number in range(m)]
    rows = np.array([[-1 if name in removed else 1 for name in modules] for removed in removed_sets("half", modules)])
    assert (rows.prod(axis=1) == 1).all()
    whole = [row for row in product((1, -1), repeat=m) if np.prod(row) == 1]
    assert sorted(map(tuple, rows.tolist())) == sorted(whole)
    assert (rows[:, 0] == rows[:, 1:].prod(axis=1)).all()


def test_an_unknown_design_and_an_odd_number_of_modules_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"design=halve is unknown. Use one of leave_one_out, add_one_in, factorial"):
        removed_sets("halve", "abcd")
    for modules in ("a", "abcdefghi"):
        with pytest.raises(ConfigError, match=f"needs 2 to 8 modules, not {len(modules)}"):
            removed_sets("factorial", modules)


def test_each_network_is_planned_once() -> None:
    assert len(planned_variants("factorial", PLB)) == len(PLB.lacks) == 28
    assert len(planned_variants("half", PLB)) == 16
    added = planned_variants("add_one_in", PLB)
    assert added[0] == "none"
    assert set(added[1:]) == {
        "dwscnn+cbam+sa+routing",  # the bare network, and that with the spatial attention, which is idle there
        "cbam+spa+sa+routing",
        "dwscnn+sa+routing",
        "dwscnn+cbam+spa+routing",
        "dwscnn+cbam+sa",
    }
    assert planned_variants("factorial", GATED) == ("none", "branch", "gate")


def test_idle_modules_make_networks_the_same() -> None:
    assert PLB.idle == {frozenset({"dwscnn", "sa"}): ("spa",)}
    assert PLB.lacks["dwscnn+sa"] == {"dwscnn", "spa", "sa"}
    assert (PLB.whole, PLB.bare) == ("none", "dwscnn+cbam+sa+routing")
    assert free("a", "b", "c").idle == {}
    assert GATED.idle == {frozenset({"branch"}): ("gate",)}
    with pytest.raises(ConfigError, match=r"ablation=a\+b must be the same network as ablation=a:"):
        _ = Lattice(("a", "b"), lambda name: "a" if name in ("a", "b") else name).lacks


def test_steps_and_squares_differ_in_their_modules_alone() -> None:
    for module in FAMILY.modules:
        for whole, without in PLB.steps(module):
            assert PLB.lacks[without] - PLB.lacks[whole] == {module}
    for one, other in combinations(FAMILY.modules, 2):
        for both, less, lesser, neither in PLB.squares(one, other):
            lacked = [PLB.lacks[name] - PLB.lacks[both] for name in (both, less, lesser, neither)]
            assert lacked == [set(), {one}, {other}, {one, other}]
    assert [len(PLB.steps(module)) for module in FAMILY.modules] == [12, 14, 12, 12, 14]
    letters = free("a", "b", "c", "d")
    assert {len(letters.steps(module)) for module in "abcd"} == {8}
    assert len(letters.squares("a", "c")) == 4


def test_what_is_zero_or_fixed_is_counted() -> None:
    """Without DWSCNN and SA there is no effect of the spatial attention: 4 of 16 presences of the other modules."""
    assert PLB.constructed("spa") == Constructed(16, 4, 0)
    assert PLB.constructed("sa") == Constructed(16, 0, 4)
    assert PLB.constructed("cbam", "spa") == Constructed(8, 2, 0)
    assert PLB.constructed("dwscnn", "spa") == Constructed(8, 0, 4)
    assert PLB.constructed("cbam", "routing") == Constructed(8, 0, 0)
    assert GATED.squares("branch", "gate") == ()
    assert GATED.constructed("branch", "gate") == Constructed(1, 0, 1)


def test_the_alias_structure_is_told() -> None:
    lines = alias_structure("half", PLB)
    assert lines[0].endswith("16 of 32 combinations of 5 modules.")
    assert "resolution V. Defining relation: I = dwscnn·cbam·spa·sa·routing." in lines[1]
    assert "  cbam = dwscnn·spa·sa·routing" in lines
    assert "  cbam·routing = dwscnn·spa·sa" in lines
    assert len([line for line in lines if line.startswith("  ")]) == 15
    assert "spa is idle without dwscnn and sa." in lines
    assert any(line.startswith("Zero by construction") and "spa 4 of 16, cbam·spa 2 of 8" in line for line in lines)
    assert any(line.startswith("Fixed by construction") and "dwscnn·spa 4 of 8" in line for line in lines)
    four = alias_structure("half", free("a", "b", "c", "d"))
    assert "resolution IV" in four[1]
    assert "  a·b = c·d: two pairs, neither of which is estimated" in four
    assert not any(line.startswith("  c·d") for line in four)
    assert "28 distinct networks" in alias_structure("factorial", PLB)[0]
    assert all(alias_structure(design, PLB)[0].startswith(f"design={design}: ") for design in DESIGNS)


# -- the setting -------------------------------------------------------------------------------------------------------


def ablations(*overrides: str, multirun: bool = True, folder: Path | None = None) -> list[str]:
    return [job.ablation for job in compose_sweep(overrides, multirun=multirun, source=ConfigSource(folder=folder))]


@pytest.mark.parametrize("design", ["leave_one_out", "half"])
def test_a_design_is_the_sweep_over_its_variants(design: str) -> None:
    assert ablations(f"design={design}", "dataset=ravdess") == [*planned_variants(design, PLB)]


def test_a_design_multiplies_with_other_sweeps_and_leaves_no_trace_in_a_job() -> None:
    names = planned_variants("add_one_in", PLB)
    jobs = compose_sweep(["seed=1,2", "design=add_one_in"], multirun=True)
    named = compose_sweep(["seed=1,2", f"ablation={','.join(names)}"], multirun=True)
    assert {job.design for job in jobs} == {None}
    assert {(job.seed, job.ablation) for job in jobs} == {(seed, name) for seed in (1, 2) for name in names}
    assert [*map(result_settings, jobs)] == [*map(result_settings, named)]


def test_what_is_typed_wins_over_a_study(tmp_path: Path) -> None:
    (tmp_path / "experiments").mkdir()
    (tmp_path / "experiments/mine.yaml").write_text(
        "# @package _global_\nstudy: mine\ndesign: add_one_in\nhydra: {mode: MULTIRUN}\n"
    )
    assert ablations("experiments=mine", multirun=False, folder=tmp_path) == [*planned_variants("add_one_in", PLB)]
    left_out = [*planned_variants("leave_one_out", PLB)]
    assert ablations("experiments=mine", "design=leave_one_out", folder=tmp_path) == left_out
    assert ablations("experiments=mine", "ablation=none,sa", folder=tmp_path) == ["none", "sa"]
    assert ablations("experiments=mine", "design=null", folder=tmp_path) == ["none"]
    assert "dwscnn+cbam+sa" in ablations("experiments=demo", "design=add_one_in")
    with pytest.raises(ConfigError, match="design=add_one_in is a sweep over variants: add -m"):
        ablations("experiments=mine", "hydra.mode=RUN", multirun=False, folder=tmp_path)


def test_modules_of_a_design_are_chosen(tmp_path: Path) -> None:
    chosen = ["none", "cbam", "sa", "routing", "cbam+sa", "cbam+routing", "sa+routing", "cbam+sa+routing"]
    assert ablations("design=factorial", "modules=routing+sa+cbam") == chosen
    assert ablations("modules=routing+cbam") == ["none", "cbam", "routing"], "leave_one_out is the default"
    (tmp_path / "experiments").mkdir()
    (tmp_path / "experiments/mine.yaml").write_text(
        "# @package _global_\nstudy: mine\nmodules: cbam+sa\nhydra: {mode: MULTIRUN}\n"
    )
    assert ablations("experiments=mine", multirun=False, folder=tmp_path) == ["none", "cbam", "sa"]
    assert ablations("experiments=mine", "design=pairs", folder=tmp_path) == ["none", "cbam", "sa", "cbam+sa"]
    assert ablations("experiments=mine", "ablation=none,routing", folder=tmp_path) == ["none", "routing"]
    assert ablations("experiments=demo", "modules=cbam+sa") == ["none", "cbam", "sa"]
    jobs = compose_sweep(["modules=cbam+sa"], multirun=True)
    assert [*map(result_settings, jobs)] == [
        *map(result_settings, compose_sweep(["ablation=none,cbam,sa"], multirun=True))
    ]


def test_controls_stand_for_every_control(tmp_path: Path) -> None:
    assert ablations("ablation=none,controls,routing") == ["none", *FAMILY.controls, "routing"]
    assert ablations("ablation=controls") == [*FAMILY.controls]
    (tmp_path / "experiments").mkdir()
    text = "# @package _global_\nhydra: {mode: MULTIRUN, sweeper: {params: {ablation: 'none, controls'}}}\n"
    (tmp_path / "experiments/mine.yaml").write_text(text)
    assert ablations("experiments=mine", multirun=False, folder=tmp_path) == ["none", *FAMILY.controls]
    with pytest.raises(ConfigError, match=r"is a sweep over cbam_constant.*: add -m"):
        ablations("ablation=controls", multirun=False)
    with pytest.raises(ConfigError, match="model=light_sernet has no controls"):
        ablations("ablation=controls", "model=light_sernet")


@pytest.mark.parametrize(
    ("overrides", "study", "said"),
    [
        (["design=half", "ablation=none,sa"], "", "(?s)both say which variants.*ablation=none,dwscnn.cbam,"),
        (["design=half", "ablation=none"], "", "both say which variants"),
        (["ablation=sa", "++design=half"], "", "both say which variants"),
        (["design=halve"], "", "design=halve is unknown. Use one of leave_one_out"),
        (["modules=cbam+attention"], "", r"modules=cbam\+attention is unknown. .*joined by '\+': dwscnn, cbam, spa"),
        (["modules=cbam+cbam"], "", r"modules=cbam\+cbam is unknown. Use modules of model=plb, each once"),
        (["modules=cbam"], "", "design=leave_one_out needs 2 to 8 modules, not 1"),
        (["modules=cbam,sa"], "", "modules= cannot be swept over. Join the modules of a study with"),
        (["modules=cbam+sa", "ablation=none,cbam"], "", "both say which variants"),
        (["design=half", "modules=cbam+sa+spa"], "", "design=half of 3 modules cannot tell"),
        (["design=half,pairs"], "", "cannot be swept over"),
        (["design=choice(half,pairs)"], "", "cannot be swept over"),
        (["experiments=mine"], "design: half\nablation: sa\n", "both say which variants"),
        (["experiments=mine"], "design: half\nhydra: {sweeper: {params: {ablation: 'none,sa'}}}\n", "both say which"),
        (["experiments=mine"], "hydra: {sweeper: {params: {design: half}}}\n", "a study names it as `design: half`"),
    ],
)
def test_what_a_design_cannot_be_with_is_refused(overrides: list[str], study: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "experiments").mkdir()
    (tmp_path / "experiments/mine.yaml").write_text(f"# @package _global_\n{study}")
    with pytest.raises(ConfigError, match=said):
        ablations(*overrides, folder=tmp_path)


def test_a_design_without_m_says_to_add_it() -> None:
    with pytest.raises(ConfigError, match="design=half is a sweep over variants: add -m to run all of it"):
        ablations("design=half", multirun=False)
    with pytest.raises(ConfigError, match="design=halve is unknown"):
        ablations("design=halve", multirun=False)
