"""The proxies of this host in a container: both cases, the caller's first, none that only this host reaches."""

import pytest

from builder.training.local.containers import User, variables
from builder.training.local.proxies import proxies, unreachable
from tests.support.run_plans import LOCAL_PLAN

HTTP = "http://me:secret@proxy.example:3128"


def both(**values: str) -> dict[str, str]:
    return {**values, **{name.upper(): value for name, value in values.items()}}


@pytest.mark.parametrize(
    ("around", "given", "wanted"),
    [
        ({}, (), {}),
        ({"NO_PROXY": "a"}, (), {}),
        ({"http_proxy": HTTP}, (), both(http_proxy=HTTP)),
        ({"HTTPS_PROXY": HTTP, "no_proxy": ".example"}, (), both(https_proxy=HTTP, no_proxy=".example")),
        ({"http_proxy": "http://a:1", "HTTP_PROXY": "http://b:1"}, (), both(http_proxy="http://a:1")),
        ({"ALL_PROXY": "socks5h://p:1080"}, (), both(all_proxy="socks5h://p:1080")),
        ({"http_proxy": HTTP, "https_proxy": HTTP}, ("HTTP_PROXY",), both(https_proxy=HTTP)),
        ({"http_proxy": HTTP, "NO_PROXY": "a"}, ("no_proxy",), both(http_proxy=HTTP)),
        ({"http_proxy": ""}, (), {}),
        ({"http_proxy": "http://127.0.0.1:3128", "NO_PROXY": "a"}, (), {}),
        ({"HTTP_PROXY": "localhost:3128", "https_proxy": HTTP}, (), both(https_proxy=HTTP)),
        ({"http_proxy": "http://[::1]:1"}, (), {}),
        ({"http_proxy": "http://[broken"}, (), both(http_proxy="http://[broken")),
    ],
)
def test_what_a_container_gets(around: dict[str, str], given: tuple[str, ...], wanted: dict[str, str]) -> None:
    assert proxies(around, given) == wanted


def test_no_proxy_is_between_the_nodes() -> None:
    found = proxies({"http_proxy": HTTP, "NO_PROXY": "a"}, (), ("node-0", "node-1"))
    assert found["no_proxy"] == found["NO_PROXY"] == "a,node-0,node-1"


def test_a_proxy_of_this_machine_is_named_without_its_password() -> None:
    around = {"http_proxy": "http://me:secret@127.0.0.1:3128", "HTTPS_PROXY": "localhost:3128", "ALL_PROXY": HTTP}
    assert unreachable(around) == ["http://127.0.0.1:3128", "http://localhost:3128"]


def test_the_containers_of_a_run_have_them() -> None:
    found = variables(LOCAL_PLAN, User(words=None, uid=0), {"HTTPS_PROXY": HTTP, "SECRET": "x"})
    assert (found["https_proxy"], found["no_proxy"], found["A"]) == (HTTP, "node-0,node-1", "1")
    assert "SECRET" not in found
