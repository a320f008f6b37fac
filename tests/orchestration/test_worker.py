"""Why a cell failed, in words that say what to do."""

import errno
import subprocess
import sys

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


def test_a_worker_does_not_load_what_it_does_not_use() -> None:
    """Each of these packages takes 20 to 100 MB of every worker, and Keras imports them if they are installed."""
    program = (
        "import os, sys; from plb_ablate.orchestration.worker import WorkerSetup, start_worker;"
        "start_worker(WorkerSetup(1, 'cpu', True), os.getppid());"
        "import plb_ablate.training.trainer;"
        "print(*{'pandas', 'sklearn', 'matplotlib', 'pyarrow', 'mlflow', 'librosa'} & set(sys.modules));"
        "import sklearn.metrics, pandas, matplotlib"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=True)
    assert done.stdout.split() == []
