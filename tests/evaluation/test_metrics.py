"""Every metric equals that of scikit-learn."""

import math
import warnings

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sklearn import metrics

from charcnn.evaluation.metrics import Confusion, ConfusionMatrix, cross_entropy, image_losses, top_k_accuracy

Labels = list[int]


@st.composite
def readings(draw: st.DrawFn) -> tuple[int, Labels, Labels]:
    """Number of classes, true labels and predicted labels. Some classes are often empty."""
    classes = draw(st.integers(2, 7))
    used = draw(st.lists(st.integers(0, classes - 1), min_size=1, unique=True))
    pairs = draw(st.lists(st.tuples(st.sampled_from(used), st.integers(0, classes - 1)), min_size=1, max_size=40))
    return classes, [truth for truth, _ in pairs], [read for _, read in pairs]


def matrix_of(reading: tuple[int, Labels, Labels]) -> ConfusionMatrix:
    classes, truth, read = reading
    return ConfusionMatrix.count(np.array(truth, np.int64), np.array(read, np.int64), classes)


@settings(deadline=None)
@given(readings())
@example((2, [0], [1]))
@example((3, [0, 1], [2, 2]))
@example((3, [1, 1], [1, 1]))
def test_metrics_equal_those_of_scikit_learn(reading: tuple[int, Labels, Labels]) -> None:
    classes, truth, read = reading
    labels, matrix = list(range(classes)), matrix_of(reading)
    np.testing.assert_array_equal(matrix.to_dense(), metrics.confusion_matrix(truth, read, labels=labels))
    assert matrix.accuracy == pytest.approx(metrics.accuracy_score(truth, read))
    precision, recall, f1, support = metrics.precision_recall_fscore_support(
        truth, read, labels=labels, zero_division=0
    )
    np.testing.assert_allclose(matrix.precision, precision)
    np.testing.assert_allclose(matrix.recall, recall)
    np.testing.assert_allclose(matrix.f1, f1)
    np.testing.assert_array_equal(matrix.support, support)
    assert matrix.macro_f1 == pytest.approx(metrics.f1_score(truth, read, average="macro", zero_division=0))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about predicted labels that never are true labels
        assert matrix.balanced_accuracy == pytest.approx(metrics.balanced_accuracy_score(truth, read))


def test_rows_are_true_labels_and_columns_predicted_labels() -> None:
    matrix = matrix_of((3, [0, 0, 2], [1, 1, 0]))
    assert matrix.to_dense().tolist() == [[0, 2, 0], [0, 0, 0], [1, 0, 0]]
    assert matrix.support.tolist() == [2, 0, 1]


def test_without_images_every_metric_is_zero() -> None:
    matrix = matrix_of((3, [], []))
    assert (matrix.accuracy, matrix.macro_f1, matrix.balanced_accuracy) == (0, 0, 0)
    for column in (matrix.precision, matrix.recall, matrix.f1, matrix.support):
        assert column.tolist() == [0, 0, 0]
    assert matrix.most_confused() == []


def test_a_label_that_never_occurs_does_not_count() -> None:
    with_empty, without = matrix_of((4, [0, 0, 1], [0, 1, 1])), matrix_of((2, [0, 0, 1], [0, 1, 1]))
    assert with_empty.macro_f1 == without.macro_f1
    assert with_empty.balanced_accuracy == without.balanced_accuracy


def test_matrix_of_thousands_of_labels_holds_only_the_pairs_that_occur() -> None:
    rng = np.random.default_rng(0)
    truth, read = rng.integers(0, 4000, (2, 10_000))
    matrix = ConfusionMatrix.count(truth, read, 4000)
    assert len(matrix.images) <= 10_000
    assert matrix.images.min() >= 1
    assert matrix.support.sum() == matrix.images.sum() == 10_000
    assert matrix.accuracy == np.mean(truth == read)


@given(readings())
def test_matrix_comes_back_from_its_triplets(reading: tuple[int, Labels, Labels]) -> None:
    matrix = matrix_of(reading)
    assert matrix.triplets() == sorted(matrix.triplets())
    again = ConfusionMatrix.from_triplets(matrix.triplets(), matrix.classes)
    np.testing.assert_array_equal(again.to_dense(), matrix.to_dense())


def test_labels_are_counted_like_their_indices() -> None:
    matrix = ConfusionMatrix.count_labels(["b", "a", "b"], ["b", "c", "a"], ["a", "b", "c"])
    assert matrix.to_dense().tolist() == [[0, 0, 1], [1, 1, 0], [0, 0, 0]]


def test_the_most_confused_pairs() -> None:
    matrix = matrix_of((4, [0] * 9 + [1] * 5 + [3], [0] * 4 + [1] * 5 + [0, 0, 2, 2, 2] + [0]))
    assert matrix.most_confused() == [Confusion(0, 1, 5), Confusion(1, 2, 3), Confusion(1, 0, 2), Confusion(3, 0, 1)]
    assert matrix.most_confused(2) == [Confusion(0, 1, 5), Confusion(1, 2, 3)]


def probabilities(rng: np.random.Generator, count: int, classes: int) -> np.ndarray:
    powers = np.exp(3 * rng.normal(size=(count, classes)))
    return np.asarray(powers / powers.sum(1, keepdims=True))


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("classes", [2, 3, 12])
def test_the_loss_is_scikit_learns(seed: int, classes: int) -> None:
    rng = np.random.default_rng([seed, classes])
    rows, truth = probabilities(rng, 50, classes), rng.integers(0, classes, 50)
    expected = metrics.log_loss(truth, rows, labels=range(classes))
    assert cross_entropy(rows.astype(np.float32), truth) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("k", [1, 2, 3, 4])
def test_top_k_is_scikit_learns(seed: int, k: int) -> None:
    rng = np.random.default_rng([seed, k])
    rows, truth = probabilities(rng, 60, 5), rng.integers(0, 5, 60)
    expected = metrics.top_k_accuracy_score(truth, rows, k=k, labels=range(5))
    assert top_k_accuracy(rows.astype(np.float32), truth, k) == pytest.approx(expected)


def test_ties_keep_the_order_of_the_labels() -> None:
    rows = np.full((4, 4), 0.25, np.float32)
    truth = np.arange(4)
    assert [top_k_accuracy(rows, truth, k) for k in (1, 2, 3, 4)] == [0.25, 0.5, 0.75, 1]
    assert top_k_accuracy(rows, truth, 1) == np.mean(rows.argmax(1) == truth)


def test_top_k_of_fewer_classes_is_everything() -> None:
    assert top_k_accuracy(np.array([[0.9, 0.1]], np.float32), np.array([1]), 3) == 1


def test_the_loss_of_a_zero_probability_is_finite() -> None:
    rows, truth = np.array([[1, 0], [1, 0]], np.float32), np.array([0, 1])
    loss = cross_entropy(rows, truth)
    assert loss == pytest.approx(-math.log(np.finfo(np.float32).tiny) / 2)
    assert 43 < loss < 44
    assert cross_entropy(rows[:1], truth[:1]) == 0
    assert image_losses(rows, truth) == pytest.approx([0, 2 * loss])
