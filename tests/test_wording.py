"""Words for messages."""

from charcnn.wording import closest, counted, listed, nearest_file


def test_the_closest_name_or_all_of_them() -> None:
    assert closest("fudan21", ["fudan12", "mnist"]) == "Did you mean fudan12?"
    assert closest("zzz", ["b", "a"]) == "Known: a, b."


def test_long_lists_are_cut() -> None:
    names = [f"m{number:02}" for number in range(23)]
    assert listed(names, 20).endswith("m18, m19 and 3 more.")
    assert listed(names, 23) == listed(names) == f"Known: {', '.join(names)}."


def test_suffixes_make_no_two_files_alike() -> None:
    assert nearest_file("zzz.onnx", ["reader.onnx"]) is None
    assert nearest_file("trian.csv", ["train", "train.csv"]) == "train.csv"
    assert nearest_file("raeder.onx", ["reader.onnx", "other.onnx"]) == "reader.onnx"


def test_one_and_several() -> None:
    assert [counted(number, "image") for number in (0, 1, 2)] == ["0 images", "1 image", "2 images"]
