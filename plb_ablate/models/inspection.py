"""What a model is made of: weights and generators by name, parameters by module, and what a removal changed."""

import json
from collections import Counter

import keras

from plb_ablate.config.variants import canonical_ablation
from plb_ablate.core.errors import RemovalError

__all__ = ["check_removal", "graph", "module_parameters", "named_weights", "random_generators"]


def named_weights(model: keras.Model) -> dict[str, keras.Variable]:
    """Give every weight of `model` under its public name, for example ``forward/conv/kernel``.

    Returns
    -------
    dict of str to keras.Variable
        In the model's own order; moving statistics included, dropout's random state not.
    """
    return {variable.path: variable for variable in model.weights}


def random_generators(model: keras.Model) -> dict[str, keras.random.SeedGenerator]:
    """Give the random generator of every dropout layer under the layer's own name, for example ``forward/dropout``.

    Keras names generators by how many a process has made; these names depend on the model alone.

    Returns
    -------
    dict of str to keras.random.SeedGenerator
        In the model's own order, one for each layer that draws.

    Raises
    ------
    ValueError
        If two layers have the same name: they would draw the same mask.
    """
    found: dict[str, keras.random.SeedGenerator] = {}
    for outer in model.layers:
        for layer in outer._flatten_layers():
            if generator := getattr(layer, "seed_generator", None):
                name = outer.name if layer is outer else f"{outer.name}/{layer.name}"
                if name in found:
                    raise ValueError(f"two layers that draw random numbers are called {name}: give each its own name.")
                found[name] = generator
    return found


def module_parameters(model: keras.Model) -> dict[str, int]:
    """Count the parameters of each module: the first part of the weights' names.

    Returns
    -------
    dict of str to int
        In the model's order; the values add up to ``model.count_params()``.
    """
    counts: Counter[str] = Counter()
    for name, variable in named_weights(model).items():
        counts[name.split("/", 1)[0]] += int(keras.ops.size(variable))
    return dict(counts)


def check_removal(ablation: str, model: keras.Model, reference: keras.Model) -> None:
    """Refuse a removal that changed nothing.

    A module need not have parameters (dropout, pooling, a residual connection): the graph alone decides.

    Parameters
    ----------
    ablation : str
        What was asked for; ``none`` always passes.
    model, reference : keras.Model
        The model with the removal, and the one built with ``ablation=none``.

    Raises
    ------
    RemovalError
        If both have the same graph.
    """
    if canonical_ablation(ablation) != "none" and graph(model) == graph(reference):
        raise RemovalError(f"ablation={ablation} left the model's graph as it was: the removal is not wired in.")


def graph(model: keras.Model) -> str:
    """Describe a model's layers, their settings and connections, but not its name: equal graphs, equal networks."""
    config = model.get_config() | {"name": ""}
    return json.dumps(config, sort_keys=True, default=str)
