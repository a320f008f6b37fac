"""Inspection of models: weights and random generators by name, parameters by module, and the effect of a removal."""

import json
from collections import Counter

import keras

from plb_ablate.core.errors import RemovalError
from plb_ablate.models.family import WHOLE

__all__ = ["check_removal", "graph", "module_parameters", "named_weights", "random_generators"]


def named_weights(model: keras.Model) -> dict[str, keras.Variable]:
    """Return every weight of `model` by its public name, for example ``forward/conv/kernel``.

    Returns
    -------
    dict of str to keras.Variable
        In the order of the model; includes moving statistics, excludes the random states of dropout.
    """
    return {variable.path: variable for variable in model.weights}


def random_generators(model: keras.Model) -> dict[str, keras.random.SeedGenerator]:
    """Return the random generator of every dropout layer by the layer's name, for example ``forward/dropout``.

    Keras names generators by a counter of the process; the names used here depend on the model only.

    Returns
    -------
    dict of str to keras.random.SeedGenerator
        In the order of the model, one for each layer that uses random numbers.

    Raises
    ------
    ValueError
        If two layers have the same name: they would draw the same masks.
    """
    found: dict[str, keras.random.SeedGenerator] = {}
    for outer in model.layers:
        for layer in outer._flatten_layers():
            if generator := getattr(layer, "seed_generator", None):
                name = outer.name if layer is outer else f"{outer.name}/{layer.name}"
                if name in found:
                    raise ValueError(
                        f"two layers with random numbers have the name {name}: give each layer its own name."
                    )
                found[name] = generator
    return found


def module_parameters(model: keras.Model) -> dict[str, int]:
    """Count the parameters of each module, which is the first part of a weight's name.

    Returns
    -------
    dict of str to int
        In the order of the model; the values add up to ``model.count_params()``.
    """
    counts: Counter[str] = Counter()
    for name, variable in named_weights(model).items():
        counts[name.split("/", 1)[0]] += int(keras.ops.size(variable))
    return dict(counts)


def check_removal(ablation: str, model: keras.Model, reference: keras.Model) -> None:
    """Raise an error if a removal did not change the network.

    Graphs are compared, because a module may have no parameters (dropout, pooling, a residual connection).

    Parameters
    ----------
    ablation : str
        Name of the variant; ``none`` always passes.
    model, reference : keras.Model
        The network with the removal, and the network for ``ablation=none``.

    Raises
    ------
    RemovalError
        If both have the same graph.
    """
    if ablation != WHOLE and graph(model) == graph(reference):
        raise RemovalError(
            f"ablation={ablation} did not change the graph of the network: the model does not implement the removal."
        )


def graph(model: keras.Model) -> str:
    """Serialise the layers of a model, their settings and connections, without its name, for comparing networks."""
    config = model.get_config() | {"name": ""}
    return json.dumps(config, sort_keys=True, default=str)
