"""The ways to write an address of a remote that are one, and those that aren't."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qflow_gitops.base.addresses import receiver, same_form, without_secrets

SAME = {
    "host.example/team/runs": [
        "https://host.example/team/runs",
        "https://host.example/team/runs.git",
        "https://somebody:token@HOST.example:8443/team/runs.git/",
        "http://host.example:80/team//runs",
        "ssh://git@host.example/team/runs",
        "ssh://git@host.example:2222/team/runs.git",
        "git+ssh://host.example/team/runs",
        "git://host.example/team/runs",
        "git@host.example:team/runs.git",
        "Host.Example:/team/runs/",
        "git@[host.example:2222]:team/runs",
        "https://host.example/team/ru%6Es",
    ],
    "/srv/git/runs": [
        "/srv/git/runs",
        "/srv/git/runs.git",
        "/srv/git/runs/.git",
        "/srv/git//runs/",
        "file:///srv/git/runs.git",
        "file://localhost/srv/git/runs",
        "../git/runs.git",
        "./../git/runs",
        "../../srv/git/runs",
    ],
    "::1/runs": ["ssh://[::1]:2222/runs.git", "[::1]:runs", "git://[::1]/runs"],
    "/srv/work/team:runs": ["./team:runs", "/srv/work/team:runs"],
    "ext::ssh somebody %S runs": ["ext::ssh somebody %S runs"],
    "": [""],
}


@pytest.mark.parametrize(
    ("address", "form"), [(each, form) for form, some in SAME.items() for each in some]
)
def test_these_are_one(address: str, form: str) -> None:
    assert same_form(address, "/srv/work") == form


OTHERS = [
    ("https://host.example/team/runs", "https://host.example/Team/runs"),
    ("https://host.example/team/runs", "https://other.example/team/runs"),
    ("https://host.example/team/runs", "https://host.example/team/runs-fork"),
    ("https://host.example/team/runs", "https://host.example/runs"),
    ("https://host.example/team/runs", "/host.example/team/runs"),
    ("https://host.example/team/runs.git", "https://host.example/team/runs.github"),
    ("../runs", "../../runs"),
]


@pytest.mark.parametrize(("one", "other"), OTHERS)
def test_these_are_two(one: str, other: str) -> None:
    assert same_form(one, "/srv/work") != same_form(other, "/srv/work")


@given(st.text(max_size=40))
def test_whatever_stands_there_it_has_a_form(address: str) -> None:
    """An address that git would refuse, too; a path's form is its own form."""
    form = same_form(address, "/srv/work")
    if form.startswith("/"):
        assert same_form(form, "/elsewhere") == form.removesuffix(".git").rstrip("/") or form == "/"


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("host/team/runs", "host/team/runs"),
        ("host/team/runs?access_token=HIDDEN", "host/team/runs?***"),
        ("http::https://ada:HIDDEN@host/runs", "http::https://***@host/runs"),
        ("access 'https://ada:HID/DEN@host/runs/': bad", "access 'https://***@host/runs/': bad"),
        ("to 'https://host/runs?a=HIDDEN#HIDDEN': why?", "to 'https://host/runs?***': why?"),
        ("ada@host: Permission denied (publickey)", "ada@host: Permission denied (publickey)"),
    ],
)  # fmt: skip
def test_what_lets_somebody_in_is_not_shown(said: str, shown: str) -> None:
    assert without_secrets(said) == shown


def test_a_remote_that_says_much_costs_little() -> None:
    """In time of the processor, which other processes don't change: its square takes 17 s."""
    begun = time.process_time()
    without_secrets("://" * 25_000)
    assert time.process_time() - begun < 3


@pytest.mark.parametrize(
    ("address", "form"),
    [
        ("https://Git.Example.com/acme/runs.git", "git.example.com/acme/runs"),
        ("https://git.example.com/acme/runs", "git.example.com/acme/runs"),
        ("https://git.example.com:8443/acme/runs.git", "git.example.com:8443/acme/runs"),
        ("git@git.example.com:acme/runs.git", "git.example.com/acme/runs"),
        ("ssh://git@git.example.com/acme/runs.git", "git.example.com/acme/runs"),
        ("ssh://git@git.example.com:2222/acme/runs.git", "git.example.com:2222/acme/runs"),
        ("alice@git.example.com:runs", "alice@git.example.com/runs"),
        ("bob@git.example.com:runs", "bob@git.example.com/runs"),
        ("/srv/git/runs.git", "/srv/git/runs"),
        ("file:///srv/git/runs.git", "/srv/git/runs"),
    ],
)
def test_who_gets_credentials_is_told_with_port_and_user(address: str, form: str) -> None:
    assert receiver(address) == form
