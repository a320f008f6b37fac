"""Seeds derived from the purpose of each random draw, independent of all earlier draws.

Every random operation (weight initialisation, shuffling, dropout) derives its seed from (seed, fold, epoch, purpose).
A cell therefore ends with the same weights whether it runs alone, in parallel or resumed from any epoch.
"""

import hashlib

__all__ = ["derive_seed"]


def derive_seed(*parts: int | str) -> int:
    """Derive a seed by hashing `parts`.

    Parameters
    ----------
    *parts : int or str
        Purpose of the seed, for example ``(42, 3, 17, "shuffle")``.

    Returns
    -------
    int
        In ``[0, 2**31)``; the same for equal `parts` on every machine and Python version.
    """
    text = "\x1f".join(str(part) for part in parts)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big") >> 1
