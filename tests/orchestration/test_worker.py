"""Why a cell failed, in words that say what to do."""

import errno

import pytest
import tensorflow as tf

from plb_ablate.core.errors import CellError
from plb_ablate.orchestration.worker import reason

UNAVAILABLE = "A deterministic GPU implementation of DepthwiseConvBackpropFilter is not currently available."


def test_a_kernel_without_deterministic_version_names_the_setting_that_allows_it() -> None:
    tf.config.experimental.enable_op_determinism()
    tf.random.set_seed(None)  # a training of another test may have set one
    with pytest.raises(RuntimeError) as caught:
        tf.random.normal((2,))
    assert "deterministic=false allows" in reason(caught.value)
    assert "device=cpu" in reason(tf.errors.UnimplementedError(None, None, UNAVAILABLE))


def test_other_errors_say_what_they_said() -> None:
    assert reason(ValueError("shapes \x1b[1mdiffer\x1b[0m")) == "ValueError: shapes differ"
    assert reason(CellError("not deterministic")) == "CellError: not deterministic"
    assert "Free disk space" in reason(OSError(errno.ENOSPC, "No space left on device"))
