"""A user's own model file: what is read without running it, what is refused with file and line, and how it is built."""

from pathlib import Path

import numpy as np
import pytest

from plb_ablate.config.compose import compose_config
from plb_ablate.config.schema import result_settings
from plb_ablate.core.errors import ConfigError, ModelFileError
from plb_ablate.models.family import BuildSettings
from plb_ablate.models.registry import family_of_settings
from plb_ablate.models.user_file import read_user_model
from plb_ablate.models.user_file_check import check_user_model

SHAPE = (12, 5, 1)
GOOD = """\
import keras
from keras import layers

MODULES = ("attention", "gru")


def build_model(num_classes, input_shape, removed):
    inputs = keras.Input(input_shape)
    x = layers.Reshape(input_shape[:2])(inputs)
    if "gru" not in removed:
        x = layers.GRU(4, return_sequences=True)(x)
    if "attention" not in removed:
        x = layers.Multiply()([x, layers.Softmax(axis=1)(layers.Dense(1)(x))])
    x = layers.Dropout(0.2)(layers.GlobalAveragePooling1D()(x))
    return keras.Model(inputs, layers.Dense(num_classes, activation="softmax")(x))
"""
RETURN = '    return keras.Model(inputs, layers.Dense(num_classes, activation="softmax")(x))\n'


def written(folder: Path, source: str) -> Path:
    (file := folder / "own.py").write_text(source)
    return file


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (GOOD.replace("MODULES =", "PARTS ="), r"own\.py, line 1: it has no MODULES"),
        (GOOD.replace("build_model", "make"), r"own\.py, line 15: it ends without build_model"),
        (GOOD.replace('("attention", "gru")', "tuple(map(str, range(2)))"), r"line 4: MODULES must be written out"),
        (GOOD.replace('"gru")', '"none")'), r"line 4: MODULES: 'none' cannot be typed"),
        (GOOD.replace('"gru")', '"attention")'), r"line 4: MODULES has 2 names.*each once"),
        (GOOD.replace("removed)", "without)"), r"line 7: build_model takes \(num_classes, input_shape, without\)"),
        (GOOD.replace("def ", "deff "), r"own\.py, line 7: it is not Python"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_line(tmp_path: Path, source: str, said: str) -> None:
    with pytest.raises(ModelFileError, match=said):
        read_user_model(written(tmp_path, source))


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (GOOD.replace(RETURN, "    return inputs\n"), r"own\.py, line 7: build_model returns KerasTensor, not a keras"),
        (GOOD.replace("GRU(4", "GRU(-4"), r"own\.py, line 11: build_model fails for ablation=none: ValueError"),
        (
            GOOD.replace("import keras\n", "import keras_of_mine\n"),
            "line 1: the file cannot be run: ModuleNot",
        ),
        (GOOD.replace('if "gru" not in removed', "if True"), r"own\.py, line 7: .* same network for ablation=gru"),
        (GOOD.replace("num_classes, activation", "3 + num_classes, activation"), r"from \(12, 5, 1\) to \(6,\)"),
        (GOOD.replace('activation="softmax"', 'activation="relu"'), r"line 7: the outputs of ablation=none add up"),
        (
            GOOD.replace("import keras\n", "import sys, keras; sys.exit(3)\n"),
            "line 1: the file cannot be run: Syst",
        ),
    ],
)
def test_what_cannot_be_built_is_refused_with_its_line(tmp_path: Path, source: str, said: str) -> None:
    model = read_user_model(written(tmp_path, source))
    with pytest.raises(ModelFileError, match=said):
        check_user_model(model, 3, SHAPE, ["none", "attention", "gru"], BuildSettings())


def test_a_good_file_passes_and_its_layers_are_named_alike_in_every_process(tmp_path: Path) -> None:
    model = read_user_model(written(tmp_path, GOOD))
    check_user_model(model, 3, SHAPE, model.family.networks, BuildSettings())
    first, again = (model.family.build(3, SHAPE, "gru", BuildSettings()) for _ in range(2))
    assert [weight.path for weight in first.weights] == [weight.path for weight in again.weights]
    assert [weight.path.split("/")[0] for weight in first.weights] == ["dense", "dense", "dense_1", "dense_1"]


def test_its_content_is_part_of_the_identity_and_its_place_is_not(tmp_path: Path) -> None:
    (elsewhere := tmp_path / "elsewhere").mkdir()
    settings = []
    for folder, source in ((tmp_path, GOOD), (elsewhere, GOOD), (tmp_path, f"{GOOD}# edited\n")):
        file = written(folder, source)
        config = compose_config(["model=file", f"model.file={file}", "ablation=gru+attention"])
        assert config.ablation == "attention+gru"
        settings.append(result_settings(config))
    assert settings[0] == settings[1] != settings[2]
    assert settings[0]["model"]["modules"] == ["attention", "gru"]
    assert settings[0]["trainer"]["loss"] == "cross_entropy"
    assert family_of_settings(settings[0], elsewhere / "own.py").build
    with pytest.raises(ModelFileError, match="is not the file that the results were trained with"):
        family_of_settings(settings[0], tmp_path / "own.py")


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        (["model=file", "model.file=nowhere.py"], "nowhere.py cannot be read: No such file"),
        (["model=plb", "model.file=own.py"], "model=plb has no file: leave out model.file=own.py"),
        (["model.name=resnet"], "model=resnet is unknown. Use one of plb, light_sernet, file"),
        (
            ["model=light_sernet", "ablation=cbam"],
            "ablation=cbam is unknown.*These are the variants of model=light",
        ),
        (["model=light_sernet", "reverse=time"], "reverse=time has no meaning for model=light_sernet"),
        (["model=light_sernet", "trainer.precision=bfloat16"], "trainer.precision=bfloat16 has no meaning for model="),
        (["trainer.loss=hinge"], "trainer.loss=hinge is unknown. Use one of published, cross_entropy, focal"),
    ],
)
def test_impossible_settings_of_models_are_refused(overrides: list[str], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        compose_config(overrides)


def test_a_fold_starts_from_its_own_initialisers_drawn_by_seed_and_fold(tmp_path: Path) -> None:
    """Twice the same, in another order and after other models; different for another fold; not Glorot's."""
    from plb_ablate.config.protocol import Protocol
    from plb_ablate.config.trainer import Trainer
    from plb_ablate.models.family import Network
    from plb_ablate.splits.folds import Fold
    from plb_ablate.training.trainer import FoldTrainer

    model = read_user_model(
        written(tmp_path, GOOD.replace("layers.Dense(1)", 'layers.Dense(1, bias_initializer="ones")'))
    )
    x = np.random.default_rng(0).normal(size=(12, *SHAPE[:2])).astype("float32")
    y = np.arange(12) % 3

    def trained(fold: int, seed: int) -> list[np.ndarray]:
        trainer = FoldTrainer(Network(model.family, 3, SHAPE), Trainer("t", epochs=2, batch_size=4, loss="focal"))
        split = Fold(fold, np.arange(8), np.arange(0), np.arange(8, 12))
        state = trainer.fit_fold(x, y, split, Protocol("published"), seed)
        assert state.variables
        return state.variables

    first, other = trained(0, 1), trained(1, 1)
    model.family.build(3, SHAPE, "gru", BuildSettings())
    again = trained(0, 1)
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert not all(np.array_equal(a, b) for a, b in zip(first, other, strict=True))
