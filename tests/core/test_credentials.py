"""No message has a password in it, whatever the password is made of."""

import pytest

from plb_ablate.core.credentials import hide_credentials, without_credentials
from plb_ablate.core.errors import StoreError
from plb_ablate.tracking.store import READING, WRITING, store_errors

ADDRESSES = [
    "http://me:s3cret@host:5000",
    "https://s3cret@host",
    "postgresql+psycopg2://me:s3c@s3cret@host/db",
    "postgresql://me:s3/s3cret@host/db",
    "postgresql://me:%20s3cret%40@host/db",
]


@pytest.mark.parametrize("uri", ADDRESSES)
def test_name_and_password_are_hidden_and_the_rest_is_kept(uri: str) -> None:
    shown = hide_credentials(f"could not reach {uri} (try again)")
    assert "s3" not in shown
    assert "me:" not in shown
    assert "//***@host" in shown
    assert shown.startswith("could not reach ")
    assert shown.endswith(" (try again)")


def test_the_password_is_hidden_wherever_else_it_stands() -> None:
    assert hide_credentials("no user me with p w", "postgresql://me:p%20w@host/db") == "no user me with ***"


@pytest.mark.parametrize("words", ["sqlite:///mlflow.db", "http://host:5000/path", "me@host said no", "no address", ""])
def test_what_carries_none_is_left_as_it_is(words: str) -> None:
    assert hide_credentials(words, words) == words
    assert without_credentials(words) == words


@pytest.mark.parametrize("uri", ADDRESSES)
def test_an_address_without_them_is_an_address(uri: str) -> None:
    assert without_credentials(uri).startswith(f"{uri.partition(':')[0]}://host")


@pytest.mark.parametrize("way_out", [READING, WRITING])
@pytest.mark.parametrize("uri", ADDRESSES)
def test_neither_the_tracker_nor_the_report_tells_them(way_out: str, uri: str) -> None:
    with pytest.raises(StoreError) as caught, store_errors(uri, way_out):
        raise OSError(f"connection to {uri} refused")
    assert "s3" not in str(caught.value)
    assert "connection to" in str(caught.value)
