"""Known errors of the published study."""

__all__ = ["ERRATA"]

ERRATA = {
    1: "Spa is not a removal from the proposed model but a different model: one stream, no capsule gate.",
    2: "The text reverses time; the published numbers come from reversing the coefficients.",
    3: "The epoch is selected on the test fold (optimistic), and WA is a mean of batch accuracies.",
    6: "Folds share speakers; RAVDESS contains one recording twice.",
    7: "Not all ablation folds of IEMOCAP were kept.",
    8: "On EMO-DB and RAVDESS the published folds show no significant effect of removing CBAM.",
    9: "The RAVDESS row routing is not reproduced by its released experiment: a new run (one fold, 14 epochs) learns "
    "faster than the ten published folds.",
}
"""Known errors of the published study that affect its tables, by their number in its list of errata."""
