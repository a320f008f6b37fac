"""``python -m tests.orchestration.quick_sweep``: the application with trainings of `quick_training`."""

import sys
from unittest.mock import patch

from plb_ablate.orchestration import worker_pool
from plb_ablate.orchestration.hydra_app import main
from tests.orchestration.quick_training import start_quickly, train_quickly

if __name__ == "__main__":
    with (
        patch.object(worker_pool, "train_cell", train_quickly),
        patch.object(worker_pool, "start_worker", start_quickly),
    ):
        sys.exit(main())
