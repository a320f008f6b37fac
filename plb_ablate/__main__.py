"""``python -m plb_ablate``: see `plb_ablate.cli`."""

from plb_ablate.cli import main

if __name__ == "__main__":
    main()
