"""Valid names, and the meaning of references."""

import re
import unicodedata

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from charcnn.errors import ModelError
from charcnn.registry.references import Reference, check_name, is_path, name_from, parse_reference
from charcnn.registry.store import Registry
from tests.support.cards import draft, publish

DEVICES = {"con", "prn", "aux", "nul"} | {f"{port}{n}" for port in ("com", "lpt") for n in range(10)}


def matches_grammar(text: str) -> bool:
    """Check a name against an independent implementation of the grammar."""
    reserved = text.casefold() in DEVICES | {"latest"} or re.fullmatch("[vV]?[0-9]+", text, re.ASCII)
    return (
        1 <= len(text) <= 64
        and all(letter.isalnum() or letter in "-_" or unicodedata.category(letter)[0] == "M" for letter in text)
        and text[0].isalnum()
        and not reserved
    )


def is_accepted(text: str) -> bool:
    try:
        check_name(text, "model name")
    except ModelError:
        return False
    return True


NEARLY_NAMES = st.text(st.sampled_from("aZ0博_-.@/\\ v\n\0é"), max_size=8)


@settings(deadline=None)
@given(st.text() | NEARLY_NAMES | st.from_regex(r"[Vv]?[0-9]{1,4}", fullmatch=True) | st.sampled_from(sorted(DEVICES)))
@example("latest")
@example("Latest")
@example("a" * 64)
@example("a" * 65)
@example("name\n")
@example("")
def test_nothing_outside_the_grammar_is_a_name(text: str) -> None:
    assert is_accepted(text) == matches_grammar(text)


TRICKS = [
    "..",
    ".",
    "../up",
    "a/b",
    "a\\b",
    "/etc",
    "C:",
    "c:evil",
    "~",
    ".hidden",
    "-rf",
    "_private",
    "a\0b",
    "a\nb",
    "a b",
    "a.b",
    "a@b",
    "a\u202eb",  # right-to-left override
    "a\u200bb",  # zero-width space
    "NUL",
    "com1",
    "a" * 65,
]


@pytest.mark.parametrize("name", TRICKS)
def test_no_name_leads_outside_the_registry(registry: Registry, name: str) -> None:
    outside = {path for path in registry.root.parent.rglob("*") if not path.is_relative_to(registry.root)}
    with registry.staging() as folder, pytest.raises(ModelError):
        registry.publish(folder, draft(name))
    assert registry.names() == []
    assert [path.name for path in registry.root.iterdir()] == [".staging"]
    assert {path for path in registry.root.parent.rglob("*") if not path.is_relative_to(registry.root)} == outside


@pytest.mark.parametrize("reference", [*TRICKS, "@3", "small@", "small@a/b", "small@..", "small@1@2", "latest@3", "3"])
def test_an_invalid_reference_is_refused_before_any_lookup(registry: Registry, reference: str) -> None:
    publish(registry)
    with pytest.raises(ModelError):
        registry.find(reference)


@pytest.mark.parametrize("name", ["latest", "LATEST", "3", "v3", "V12", "con", "Com9"])
def test_a_reserved_name_is_refused(name: str) -> None:
    with pytest.raises(ModelError, match=f"{name} is reserved, so it is not a valid model name"):
        check_name(name, "model name")


def test_a_long_invalid_name_is_shortened_in_the_error() -> None:
    with pytest.raises(ModelError) as fault:
        check_name("x" * 5000, "model name")
    assert len(fault.value.message) < 100


@pytest.mark.parametrize("name", ["fudan12", "博学", "a", "A-b_c", "v3x", "3d", "latest2", "a" * 64])
def test_a_name_may_use_any_script(registry: Registry, name: str) -> None:
    assert publish(registry, name).card.reference == f"{name}@1"
    assert registry.find(name).name == name
    assert registry.names() == [name]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("latest", Reference(None)),
        ("small", Reference("small")),
        ("small@latest", Reference("small")),
        ("small@3", Reference("small", version=3)),
        ("small@003", Reference("small", version=3)),
        ("small@v3", Reference("small", version=3)),
        ("small@best", Reference("small", alias="best")),
        ("博学@最好", Reference("博学", alias="最好")),
    ],
)
def test_a_reference_is_parsed_into_name_and_version(text: str, expected: Reference) -> None:
    assert parse_reference(text) == expected


@settings(deadline=None)
@given(st.text())
def test_any_text_is_a_reference_or_refused(text: str) -> None:
    try:
        reference = parse_reference(text)
    except ModelError:
        return
    assert reference.name is None or matches_grammar(reference.name)
    assert reference.alias is None or matches_grammar(reference.alias)
    assert reference.version is None or reference.version >= 0


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("latest", False),
        ("small", False),
        ("small@3", False),
        ("small@best", False),
        ("registry/small/1", True),
        ("./small", True),
        ("model.onnx", True),
        ("small.pt", True),
        (".", True),
        ("..", True),
    ],
)
def test_a_path_has_a_separator_or_a_suffix(text: str, expected: bool) -> None:
    assert is_path(text) is expected


@settings(deadline=None)
@given(st.text() | NEARLY_NAMES)
@example("latest")
@example("12")
@example("../../etc")
@example("a" * 63 + "--" + "b")
def test_a_name_derived_from_any_text_is_valid_or_empty(text: str) -> None:
    made = name_from(text)
    assert made == "" or matches_grammar(made)


@pytest.mark.parametrize(
    ("text", "made"),
    [("my digits", "my-digits"), ("博学 12", "博学-12"), ("..", ""), ("7", ""), ("fudan12", "fudan12")],
)
def test_a_name_is_derived_from_the_data_path(text: str, made: str) -> None:
    assert name_from(text) == made
