"""`top_indices`: both algorithms agree with a stable sort."""

import numpy as np
import pytest

from charcnn.inference.prediction import top_indices


@pytest.mark.parametrize("k", [1, 2, 3, 8, 9, 20, 50])
def test_top_indices_equal_those_of_a_stable_sort(k: int) -> None:
    values = np.random.default_rng(k).integers(0, 9, (200, 20)).astype(np.float32)  # many ties
    before = values.copy()
    expected = np.argsort(-values, axis=1, kind="stable")[:, :k]
    np.testing.assert_array_equal(top_indices(values, k), expected)
    np.testing.assert_array_equal(values, before)


def test_no_images_have_no_guesses() -> None:
    assert top_indices(np.empty((0, 5), np.float32), 3).shape == (0, 3)
