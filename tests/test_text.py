"""Words for messages."""

from charcnn.text import best_file_match, did_you_mean, known_names, pluralize


def test_the_closest_name_or_all_of_them() -> None:
    assert did_you_mean("fudan21", ["fudan12", "mnist"]) == "Did you mean fudan12?"
    assert did_you_mean("zzz", ["b", "a"]) == "Known: a, b."


def test_long_lists_are_cut() -> None:
    names = [f"m{number:02}" for number in range(23)]
    assert known_names(names, 20).endswith("m18, m19 and 3 more.")
    assert known_names(names, 23) == known_names(names) == f"Known: {', '.join(names)}."


def test_suffixes_make_no_two_files_alike() -> None:
    assert best_file_match("zzz.onnx", ["reader.onnx"]) is None
    assert best_file_match("trian.csv", ["train", "train.csv"]) == "train.csv"
    assert best_file_match("raeder.onx", ["reader.onnx", "other.onnx"]) == "reader.onnx"


def test_words_are_singular_or_plural() -> None:
    assert [pluralize(number, "image") for number in (0, 1, 2)] == ["0 images", "1 image", "2 images"]
