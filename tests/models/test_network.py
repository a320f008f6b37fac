from pathlib import Path

import keras
import numpy as np
import pytest
from numpy.testing import assert_allclose

from plb_ablate.core.errors import ConfigError, RemovalError
from plb_ablate.models.inspection import check_removal, graph, module_parameters, named_weights
from plb_ablate.models.plb.family import PLB
from plb_ablate.models.plb.network import build_model

PUBLISHED = {
    "none": 95_288,
    "dwscnn": 69_688,
    "cbam": 90_994,
    "spa": 95_186,
    "sa": 95_160,
    "routing": 70_712,
    "spa_published": 93_770,
    "routing_undilated": 70_712,
    "forward_only": 93_872,
    "backward_only": 93_872,
}
PARTS = {
    "forward": 1_416,
    "backward": 1_416,
    "cbam": 4_294,
    "attention": 1,
    "dilated": 37_300,
    "dwscnn": 25_600,
    "capsule_gate": 102,
    "layer_norm": 128,
    "routing": 24_576,
    "classifier": 455,
}


@pytest.fixture(autouse=True)
def _clean() -> None:
    keras.utils.clear_session()


def mfcc(n: int = 2) -> np.ndarray:
    return np.random.default_rng(0).standard_normal((n, 196, 39, 1)).astype("float32")


@pytest.mark.parametrize("ablation", PUBLISHED)
@pytest.mark.parametrize("classes", [7, 8, 4])
def test_counts_are_the_published_ones(ablation: str, classes: int) -> None:
    assert build_model(classes, ablation).count_params() == PUBLISHED[ablation] + 65 * (classes - 7)


def parts_left(ablation: str) -> dict[str, int]:
    """What each removal takes away, by the table of the published system."""
    removed = PLB.removed(ablation)
    gone = {"dwscnn", "cbam", "routing"} & removed
    gone |= {"sa": {"layer_norm"}}.get("sa" if "sa" in removed else "", set())
    if "spa" in removed or ablation == "spa_published" or {"dwscnn", "sa"} <= removed:
        gone.add("capsule_gate")
    gone |= {
        "forward_only": {"backward"},
        "backward_only": {"forward"},
        "spa_published": {"forward"},
        "routing_undilated": {"routing"},
    }.get(ablation, set())
    return {name: size for name, size in PARTS.items() if name not in gone}


@pytest.mark.parametrize("ablation", PLB.ablations)
def test_every_ablation_keeps_exactly_its_parts(ablation: str) -> None:
    model = build_model(7, ablation)
    assert module_parameters(model) == parts_left(ablation)
    assert model.count_params() == sum(parts_left(ablation).values())
    assert model.output_shape == (None, 7)


def test_there_are_36_ablations() -> None:
    assert len(set(PLB.ablations)) == 1 + 31 + 4


def test_the_undilated_variant_differs_from_the_removal_of_routing_in_the_dilation_alone() -> None:
    removed, undilated = build_model(4, "routing"), build_model(4, "routing_undilated")
    assert {name: w.shape for name, w in named_weights(removed).items()} == {
        name: w.shape for name, w in named_weights(undilated).items()
    }
    assert [build.get_layer("capsules").output.shape[1] for build in (removed, undilated)] == [42 * 3 * 6, 44 * 5 * 6]


def test_names_of_one_network_are_those_that_build_one_graph() -> None:
    graphs = {name: graph(build_model(4, name)) for name in PLB.ablations}
    for name, built in graphs.items():
        equal = [other for other in PLB.ablations if graphs[other] == built]
        assert list(PLB.network_names(name)) == equal
        assert PLB.same_network(name) == equal[0] == min(equal, key=len)
    assert len(set(graphs.values())) == len(PLB.networks) == 28 + 4
    assert {name for name in PLB.ablations if PLB.same_network(name) != name} == {
        "dwscnn+spa+sa",
        "dwscnn+cbam+spa+sa",
        "dwscnn+spa+sa+routing",
        "dwscnn+cbam+spa+sa+routing",
    }


@pytest.mark.parametrize("pair", [("dwscnn", "cbam"), ("routing", "spa"), ("cbam", "routing")])
def test_removals_add_up(pair: tuple[str, str]) -> None:
    lost = [PUBLISHED["none"] - PUBLISHED[name] for name in pair]
    assert build_model(7, "+".join(pair)).count_params() == PUBLISHED["none"] - sum(lost)


def test_the_capsule_gate_goes_with_its_last_use() -> None:
    lost = [PUBLISHED["none"] - PUBLISHED[name] for name in ("dwscnn", "sa")]
    assert build_model(7, "dwscnn+sa").count_params() == PUBLISHED["none"] - sum(lost) - 102


@pytest.mark.parametrize("spelling", ["sa+cbam+routing", "routing+sa+cbam", "cbam+sa+routing"])
def test_order_of_names_does_not_matter(spelling: str) -> None:
    model, same = build_model(4, spelling), build_model(4, "cbam+sa+routing")
    assert model.name == same.name
    assert list(named_weights(model)) == list(named_weights(same))


@pytest.mark.parametrize("ablation", PLB.ablations)
def test_every_layer_has_a_name_of_its_own(ablation: str) -> None:
    names = [layer.name for layer in build_model(4, ablation).layers]
    assert names == [layer.name for layer in build_model(4, ablation).layers], "names depend on what was built before"


@pytest.mark.parametrize("ablation", ["cbmm", "", "cbam+cbam", "none+cbam", "cbam+forward_only", "CBAM"])
def test_an_unknown_ablation_is_refused_with_the_valid_ones(ablation: str) -> None:
    with pytest.raises(ConfigError) as refusal:
        build_model(7, ablation)
    assert all(name in str(refusal.value) for name in (*PLB.modules, "none", "spa_published", "forward_only"))


def test_an_unknown_axis_or_an_impossible_class_count_is_refused() -> None:
    with pytest.raises(ConfigError, match="coefficient, time"):
        build_model(7, reverse="frequency")
    with pytest.raises(ConfigError, match="num_classes=1"):
        build_model(1)


# ---------------------------------------------------------------------- reversal and streams


def same_weights(*models: keras.Model) -> None:
    """Give all models the same random weights, by name."""
    for model in models:
        for name, weight in named_weights(model).items():
            values = np.random.default_rng(list(name.encode())).standard_normal(tuple(weight.shape))
            weight.assign(0.5 + np.abs(values) if name.endswith(("gamma", "variance", "scale")) else 0.5 * values)


@pytest.mark.parametrize(("reverse", "axis"), [("coefficient", 2), ("time", 1)])
def test_the_backward_stream_reads_the_reversed_axis(reverse: str, axis: int) -> None:
    """The two streams differ in nothing else: one alone sees what the other sees of the reversed input."""
    forward, backward = build_model(4, "forward_only", reverse), build_model(4, "backward_only", reverse)
    same_weights(forward, backward)
    for name, weight in named_weights(backward).items():
        weight.assign(named_weights(forward)[name.replace("backward/", "forward/")])
    x = mfcc()
    assert_allclose(backward(np.flip(x, axis)), forward(x), atol=1e-6)
    assert np.abs(backward(x) - forward(x)).max() > 1e-5


def test_the_two_reversals_differ_only_in_the_axis() -> None:
    coefficient, time = build_model(4), build_model(4, reverse="time")
    same_weights(coefficient, time)
    x = mfcc()
    assert coefficient.count_params() == time.count_params()
    assert np.abs(coefficient(x) - time(x)).max() > 1e-6


def test_attention_gets_one_scale_in_every_variant() -> None:
    for ablation in PLB.ablations:
        names = named_weights(build_model(4, ablation))
        uses_attention = "sa" not in PLB.removed(ablation) or "forward/conv/kernel" in names
        assert sum("attention" in name for name in names) == uses_attention


# ---------------------------------------------------------------------- what is not wired, and files


def test_a_removal_that_changed_nothing_is_an_error() -> None:
    full = build_model(7)
    check_removal("none", full, build_model(7))
    check_removal("cbam", build_model(7, "cbam"), full)
    with pytest.raises(RemovalError, match="ablation=cbam did not change the graph of the network"):
        check_removal("cbam", build_model(7), full)


def test_a_removal_need_not_take_parameters() -> None:
    """What changes the graph is a removal: a dropout or a residual connection has nothing to count."""
    full = build_model(7)

    def without(name: str) -> keras.Model:
        identity = keras.layers.Identity
        return keras.models.clone_model(
            full,
            clone_function=lambda layer: (
                identity() if layer.name == name else type(layer).from_config(layer.get_config())
            ),
        )

    smaller = without("dropout")
    assert smaller.count_params() == full.count_params()
    check_removal("cbam", smaller, full)
    with pytest.raises(RemovalError, match="cbam did not change the graph of the network: the model does not"):
        check_removal("cbam", without("nothing"), full)


@pytest.mark.parametrize("ablation", ["none", "cbam+sa", "spa_published"])
def test_a_saved_model_gives_the_same_probabilities(ablation: str, tmp_path: Path) -> None:
    model = build_model(7, ablation)
    same_weights(model)
    expected = model(mfcc(), training=False).numpy()
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert_allclose(loaded(mfcc(), training=False).numpy(), expected, rtol=0, atol=0)
    assert list(named_weights(loaded)) == list(named_weights(model))
    assert_allclose(expected.sum(axis=1), 1, atol=1e-6)
