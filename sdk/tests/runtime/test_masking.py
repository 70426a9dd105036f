"""Secrets do not leave the supervisor, however the bytes come and in whatever form they show."""

import base64
import json
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pixmill.parameters.secrets import MASK, forms_of, why_not_name, why_not_value
from pixmill.runtime.masking import MaskedStream, Masker

SECRET = "s3cr+t/K=y%42é"

values = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=8, max_size=40),
    # Few letters, so that a secret begins within itself and within another one.
    st.text("ab", min_size=8, max_size=12),
    st.just("-----BEGIN KEY-----\nMIIEvQIBADANBgkq\nhkiG9w0BAQEFAASC\n-----END KEY-----\n"),
).filter(lambda value: not why_not_value(value))


def encoded(value: str) -> list[bytes]:
    plain = value.encode()
    return [
        plain,
        quote(value, safe="").encode(),
        quote_plus(value).lower().encode() if value.isascii() and value.islower() else quote_plus(value).encode(),
        json.dumps(value).encode(),
        repr(value).encode(),
        *(base64.b64encode(b"u:p"[:before] + plain + b"tail") for before in range(3)),
        *(base64.urlsafe_b64encode(b"u:p"[:before] + plain + b"tail") for before in range(3)),
    ]


@st.composite
def streams(draw: st.DrawFn) -> tuple[list[str], bytes, list[bytes]]:
    """Secrets, a text that holds them in many forms, and the pieces in which it comes."""
    secrets = draw(st.lists(values, min_size=1, max_size=3))
    forms = [form for value in secrets for form in encoded(value)]
    parts = draw(
        st.lists(
            st.one_of(
                st.sampled_from(forms),
                st.sampled_from(forms).map(lambda form: form[: len(form) // 2]),
                st.binary(max_size=6),
                st.sampled_from([b"\r", b"\n", b"ab", b"[sec", b"ret]"]),
            ),
            max_size=20,
        )
    )
    text = b"".join(parts)
    cuts = sorted(draw(st.lists(st.integers(0, len(text)), max_size=12)))
    pieces = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    return secrets, text, pieces


@given(streams())
def test_however_the_bytes_are_cut_the_same_is_masked_and_no_form_of_a_secret_is_left(
    given: tuple[list[str], bytes, list[bytes]],
) -> None:
    secrets, text, pieces = given
    masker = Masker({f"S{number}": value for number, value in enumerate(secrets)})
    stream = MaskedStream(masker)
    said = b"".join(map(stream.feed, pieces)) + stream.finish()
    assert said == masker.mask(text)
    for value in secrets:
        assert not any(form in said for form in forms_of(value))


@pytest.mark.parametrize("form", encoded(SECRET))
def test_every_form_is_masked_and_what_stands_around_it_is_not(form: bytes) -> None:
    said = Masker({"KEY": SECRET}).mask(b"10%\r" + form + b"\rdone\n")
    assert said.startswith(b"10%\r")
    assert said.endswith(b"\rdone\n")
    assert MASK.encode() in said
    assert not any(each in said for each in forms_of(SECRET))


def test_what_cannot_become_a_secret_any_more_is_said_at_once() -> None:
    stream = MaskedStream(Masker({"KEY": "hunter2hunter2"}))
    assert stream.feed(b"10 %\r") == b"10 %\r"
    assert stream.feed(b"the hunter") == b"the "
    assert stream.feed(b" came home") == b"hunter came home"
    assert stream.feed(b"hunter2hunt") == b""
    assert stream.feed(b"er2!") == b"[secret]!"


def test_without_secrets_nothing_is_held_back() -> None:
    assert MaskedStream(Masker({})).feed(b"anything") == b"anything"


def test_texts_within_facts_are_masked_with_their_keys() -> None:
    masker = Masker({"KEY": SECRET})
    told = masker.value({"url": [f"https://x/?k={quote(SECRET, safe='')}"], SECRET: 1})
    assert told == {"url": ["https://x/?k=[secret]"], "[secret]": 1}


@pytest.mark.parametrize("name", ["", "lower", "1A", "A-B", "PATH", "LD_PRELOAD", "PYTHONPATH", "PIXMILL_TOKEN"])
def test_a_name_that_means_something_else_is_refused(name: str) -> None:
    assert why_not_name(name)


@pytest.mark.parametrize(
    "value", ["", "1234567", "x" * 70_000, "12345678\0", "]12345678", "12345678[sec", "x[secret]xx"]
)
def test_a_value_that_could_not_be_masked_is_refused(value: str) -> None:
    assert why_not_value(value)
