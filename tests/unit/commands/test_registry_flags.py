"""Registries without encryption: one list, which the flag of every verb that talks to a registry adds to."""

from argparse import ArgumentParser, _SubParsersAction
from pathlib import Path

import pytest

from builder.commands import parser
from builder.commands.common.inputs import site_of
from builder.host.site import Site
from builder.publish.signing.cosign import transport

NAMED = ("attest", "audit", "explain", "promote")
"""Verbs that take an image of a registry by its name."""


def verbs() -> dict[str, ArgumentParser]:
    (found,) = (one for one in parser.parser()._actions if isinstance(one, _SubParsersAction))
    return dict(found.choices)


TALKING = [name for name, verb in verbs().items() if name in NAMED or "--registry" in verb._option_string_actions]


@pytest.mark.parametrize("verb", TALKING)
def test_every_verb_that_talks_to_a_registry_has_the_flag(verb: str) -> None:
    assert "--insecure-registry" in verbs()[verb]._option_string_actions


def test_the_flag_adds_to_what_the_site_says(tmp_path: Path) -> None:
    site = tmp_path / "site.yaml"
    site.write_text("insecure-registries: [one.example:5000]\n")
    more = ["--insecure-registry=two.example", "--insecure-registry=three.example:1"]
    wanted = parser.options(["audit", "x.example/y:1", f"--site={site}", *more])
    assert site_of(wanted).insecure_registries == ("one.example:5000", "two.example", "three.example:1")


@pytest.mark.parametrize("text", ["http://one.example", "one.example/x", "", "a b"])
def test_what_is_no_host_is_refused(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        parser.options(["plan", f"--insecure-registry={text}"])
    assert caught.value.code == 2
    assert "is no host of a registry" in capsys.readouterr().err


def test_cosign_reaches_a_registry_as_the_site_says() -> None:
    site = Site(insecure_registries=("one.example:5000",), ca_bundle=Path("/ca.pem"))
    assert transport(site, "one.example:5000") == ("--allow-http-registry", "--allow-insecure-registry")
    assert transport(site, "two.example") == ("--registry-cacert=/ca.pem",)
    assert transport(Site(), "two.example") == ()
