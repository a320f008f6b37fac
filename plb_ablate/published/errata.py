"""Known faults of the published study."""

__all__ = ["ERRATA"]

ERRATA = {
    1: "Spa is not a removal from the proposed model but another model: one stream, no capsule gate.",
    2: "The text reverses time; the published numbers come from reversing the coefficients.",
    3: "WA is chosen on the test fold (optimistic), and is a mean of batch accuracies.",
    6: "Folds mix speakers; RAVDESS holds one recording twice.",
    7: "IEMOCAP's ablation folds were not all kept.",
    8: "The published folds themselves do not show that CBAM's removal matters, on EMO-DB or RAVDESS.",
    9: "The RAVDESS row routing does not come out of its released experiment: run again (one fold, 14 epochs) it "
    "learns faster than the ten published folds.",
}
"""Known faults of the published study that bear on its tables, by their number in its list of errata."""
