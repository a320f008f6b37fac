import time
import tracemalloc

import numpy as np
import pytest

from plb_ablate.splits.near_duplicates import near_copies


def test_near_copies_over_several_blocks_agree_with_the_plain_cosine() -> None:
    rng = np.random.default_rng(1)
    features = rng.normal(size=(1100, 8, 3)).astype(np.float32)
    pairs, similarity = near_copies(features, threshold=0.9)
    x = features.reshape(1100, 2, 4, 3).mean(2)
    x = x - x.mean(1, keepdims=True)
    x = (x / x.std((0, 1))).reshape(1100, -1)
    cosine = np.triu(np.corrcoef(np.hstack([x, -x])), 1)  # mirrored, so that the mean is zero
    assert {tuple(pair) for pair in pairs.tolist()} == {tuple(pair) for pair in np.argwhere(cosine >= 0.9).tolist()}
    assert len(pairs) > 1000
    assert (pairs[:, 0] < pairs[:, 1]).all()
    assert similarity == pytest.approx(cosine[pairs[:, 0], pairs[:, 1]], abs=1e-5)
    assert (np.diff(similarity) <= 0).all()


def test_a_change_of_gain_leaves_a_copy() -> None:
    features = np.random.default_rng(5).normal(size=(60, 24, 6)).astype(np.float32)
    features[8] = features[2]
    features[8, :, 0] += 100  # dB are logarithmic: a factor adds to the first coefficient
    pairs, similarity = near_copies(features)
    assert pairs.tolist() == [[2, 8]]
    assert similarity == pytest.approx(1)


def test_silence_is_like_nothing_and_broken_features_are_refused() -> None:
    features = np.random.default_rng(5).normal(size=(60, 24, 6)).astype(np.float32)
    features[:2] = -500
    assert near_copies(features)[0].size == 0
    features[7, 3, 2] = np.nan
    with pytest.raises(ValueError, match="features of recording 7 are not finite"):
        near_copies(features)


def test_the_largest_corpus_takes_seconds_and_little_memory() -> None:
    features = np.random.default_rng(0).standard_normal((5_531, 196, 39), dtype=np.float32)
    features[5_000] = features[17]
    tracemalloc.start()
    started = time.perf_counter()
    pairs, _ = near_copies(features)
    seconds, peak = time.perf_counter() - started, tracemalloc.get_traced_memory()[1] / 2**20
    tracemalloc.stop()
    print(f"5,531 recordings: {seconds:.1f} s, {peak:.0f} MiB beside the features")
    assert pairs.tolist() == [[17, 5_000]]
    assert seconds < 30
    assert peak < 150
