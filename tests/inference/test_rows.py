"""`Row`: per-image predictions as CSV, JSON and text."""

import pytest

from charcnn.inference.prediction import Guess, Prediction
from charcnn.inference.rows import Row, csv_header, place_signs, to_text

READ = Prediction("read", (Guess("a", 0.75), Guess("b", 0.25)))
UNREADABLE = Prediction("unreadable", reason="x.png: cannot be decoded")


def test_columns_begin_with_the_answer_and_end_with_status_and_truth() -> None:
    assert csv_header(1) == ["file", "label", "probability", "status", "truth"]
    assert csv_header(3) == [
        *("file", "label", "probability"),
        *("label_2", "probability_2", "label_3", "probability_3"),
        *("status", "truth"),
    ]


@pytest.mark.parametrize("guesses", [1, 2])
def test_cells_stand_under_their_columns(guesses: int) -> None:
    read = dict(zip(csv_header(guesses), Row("1.png", READ, "b").to_csv(guesses), strict=True))
    assert (read["file"], read["label"], read["probability"]) == ("1.png", "a", 0.75)
    assert (read["status"], read["truth"]) == ("read", "b")
    bad = dict(zip(csv_header(guesses), Row("x.png", UNREADABLE).to_csv(guesses), strict=True))
    assert (bad.pop("file"), bad.pop("status")) == ("x.png", "unreadable")
    assert set(bad.values()) == {""}


def test_json_has_the_same_names_and_null_for_unknown_values() -> None:
    assert Row("1.png", READ, "b").to_json() == {
        "file": "1.png",
        "label": "a",
        "probability": 0.75,
        "top": [{"label": "a", "probability": 0.75}, {"label": "b", "probability": 0.25}],
        "status": "read",
        "truth": "b",
    }
    assert Row("x.png", UNREADABLE).to_json() == {
        "file": "x.png",
        "label": None,
        "probability": None,
        "top": [],
        "status": "unreadable",
        "truth": None,
        "error": "x.png: cannot be decoded",
    }


def test_sign_keeps_the_place_of_an_unreadable_image_in_text() -> None:
    assert to_text([READ, UNREADABLE, READ], "ab") == "a□a"
    assert to_text([], "ab") == ""


@pytest.mark.parametrize(
    ("labels", "sign"),
    [
        (["a", "□"], "▢"),
        (["□", "▢", "◻"], "▯"),
        (["▢", "box □"], "◻"),
        (list("□▢◻▯"), "■"),
        (list("□▢◻▯■"), "▣"),
        ([chr(code) for code in range(0x25A0, 0x2600)], "\ufffd"),
    ],
)
def test_sign_that_the_model_reads_gives_way_to_the_next_free_one(labels: list[str], sign: str) -> None:
    assert place_signs(labels)["unreadable"] == sign
    assert to_text([UNREADABLE], labels) == sign
