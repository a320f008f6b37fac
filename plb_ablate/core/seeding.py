"""Seeds that depend on what is being done, never on what was done before.

Every random choice (initial weights, shuffling, dropout) draws its seed from (seed, fold, epoch, purpose), so a cell
gives the same weights alone, in parallel or resumed from any epoch.
"""

import hashlib

__all__ = ["derive_seed"]


def derive_seed(*parts: int | str) -> int:
    """Hash `parts` to a seed.

    Parameters
    ----------
    *parts : int or str
        What the seed is for, for example ``(42, 3, 17, "shuffle")``.

    Returns
    -------
    int
        In ``[0, 2**31)``; equal parts give equal seeds on every machine and Python version.
    """
    text = "\x1f".join(str(part) for part in parts)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big") >> 1
