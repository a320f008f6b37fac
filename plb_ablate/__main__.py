"""``python -m plb_ablate``: see `plb_ablate.orchestration.hydra_app`."""

import sys

from plb_ablate.orchestration.hydra_app import main

if __name__ == "__main__":
    sys.exit(main())
