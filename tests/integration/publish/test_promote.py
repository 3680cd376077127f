"""Promotion between registries, and plans that know what registries hold."""

from pathlib import Path

from builder.registry import manifests, referrers
from builder.registry.connection import connected
from builder.registry.manifests import OCI_MANIFEST
from tests.support import registries
from tests.support.command_line import NOWHERE, CommandResult
from tests.support.faulty_proxy import Fault, before
from tests.support.project import Project
from tests.support.push import push
from tests.support.registries import Server, image, published


def promote(project: Project, source: str, target: str, env: dict[str, str] | None = None) -> CommandResult:
    flags = (f"--registry={target}", f"--site={project.site}", f"--repository={project.repository}", "--format=json")
    return project.run("promote", source, *flags, env=env)


def test_the_digest_and_what_refers_to_it_move(project: Project, server: Server, prefix: str, tmp_path: Path) -> None:
    """From a staging repository to a public one of the same registry and of another, without an engine."""
    staging = f"{prefix}/{project.repository}"
    assert push(project, f"{server.host}/{prefix}").code == 0
    digest = project.tags()["1.0-cpu"]
    with connected(server.host) as connection:
        made = referrers.attach(connection, staging, image(connection, staging, b"attestation", subject=digest))
        again = referrers.attach(connection, staging, image(connection, staging, b"signature", subject=made.digest))
        signature = image(connection, staging, b"older signature")
        manifests.put(connection, staging, f"{digest.replace(':', '-')}.sig", signature, OCI_MANIFEST)
    with registries.registry(tmp_path / "public") as public:
        for target in (f"{server.host}/{prefix}-public", f"{public.host}/library"):
            done = promote(project, f"{server.host}/{staging}:1.0-cpu", target, NOWHERE)
            assert done.code == 0, done.err
            host, _, path = target.partition("/")
            there = published(host, f"{path}/{project.repository}")
            assert {tag: one for tag, one in there.items() if not tag.startswith("sha256-")} == project.tags()
            with connected(host) as connection:
                found = referrers.referrers(connection, f"{path}/{project.repository}", digest)
                assert [one.digest for one in found] == [made.digest]
                found = referrers.referrers(connection, f"{path}/{project.repository}", made.digest)
                assert [one.digest for one in found] == [again.digest]
            assert there[f"{digest.replace(':', '-')}.sig"] == manifests.digest_of(signature)
            repeated = promote(project, f"{server.host}/{staging}@{digest}", target)
            assert (repeated.code, repeated.images[0]["outcome"]) == (0, "unchanged"), repeated.err


def test_what_was_not_verified_is_not_promoted(project: Project, server: Server, prefix: str, tmp_path: Path) -> None:
    staging = f"{prefix}/{project.repository}"
    assert promote(project, f"{server.host}/{staging}:1.0-cpu", f"{server.host}/p").code == 1
    with connected(server.host) as connection:
        manifests.put(connection, staging, "1.0-cpu", image(connection, staging, b"layer"), OCI_MANIFEST)
    done = promote(project, f"{server.host}/{staging}:1.0-cpu", f"{server.host}/{prefix}-public")
    assert done.code == 2
    assert "it has no label" in done.err
    assert push(project, f"{server.host}/{prefix}-b").code == 0
    immutable = next(tag for tag in project.tags() if "py3" in tag)
    with connected(server.host) as connection:
        other = image(connection, f"{prefix}-b/{project.repository}", b"layer", subject="")
        found = manifests.manifest(connection, f"{prefix}-b/{project.repository}", "1.0-cpu")
        assert found
        assert manifests.delete(connection, f"{prefix}-b/{project.repository}", found.digest)
        manifests.put(connection, f"{prefix}-b/{project.repository}", "1.0-cpu", found.content, found.media_type)
        manifests.put(connection, f"{prefix}-b/{project.repository}", immutable, other, OCI_MANIFEST)
    elsewhere = {"XDG_CACHE_HOME": str(tmp_path)}  # a host that has not verified it
    refused = promote(
        project, f"{server.host}/{prefix}-b/{project.repository}:1.0-cpu", f"{server.host}/{prefix}-c", elsewhere
    )
    assert refused.code == 1
    assert "not verified: it did not pass today's checks on this host" in refused.err
    assert published(server.host, f"{prefix}-c/{project.repository}") == {}


def plan(project: Project, *targets: str, env: dict[str, str] | None = None) -> tuple[str, str, str]:
    """What `plan` decides for the first release, why, and what it says."""
    where = (f"--registry={target}" for target in targets)
    flags = ("--version=1", f"--site={project.site}", f"--repository={project.repository}", *where, "--format=json")
    done = project.run("plan", *flags, env=env)
    assert done.code == 0, done.err
    return done.images[0]["action"], "; ".join(done.images[0]["reasons"]), done.err


def test_what_is_published_is_not_built(project: Project, server: Server, prefix: str) -> None:
    """On a host whose engine has no image of it; and what the registry has is explained."""
    target = f"{server.host}/{prefix}"
    assert plan(project, target, env=NOWHERE)[0] == "build"
    assert push(project, target).code == 0
    immutable = next(tag for tag in project.tags() if "py3" in tag)
    published_as = f"published as {target}/{project.repository}:{immutable}"
    assert plan(project, target, env=NOWHERE)[:2] == ("skip", published_as)
    assert plan(project, target, f"{server.host}/{prefix}-b", env=NOWHERE)[0] == "build"
    assert plan(project, target)[:2] == ("skip", "unchanged")
    explained = project.run("explain", f"{target}/{project.repository}:1.0-cpu", f"--site={project.site}", env=NOWHERE)
    assert explained.code == 0, explained.err
    assert "six 1.17.0" in explained.out


def test_a_registry_that_is_down_is_said(project: Project, server: Server, prefix: str) -> None:
    target = f"localhost:{registries.free_port()}"
    action, reason, said = plan(project, target)
    assert (action, reason) == ("skip", "unchanged")
    assert f"nothing of {target}" in said
    with before(server.host, Fault(method="HEAD", path="/manifests/", kind="status", status=503, times=99)) as proxy:
        action, _, said = plan(project, f"{proxy.host}/{prefix}")
        assert (action, "503" in said) == ("skip", True)


def test_build_and_push(project: Project, server: Server, prefix: str) -> None:
    """In one run; the second does nothing, and a push without a registry is a mistake."""
    target = f"{server.host}/{prefix}"
    assert project.build("--push").code == 2
    for outcome in ("pushed", "unchanged"):
        done = project.build("--push", f"--registry={target}", "--format=json")
        assert done.code == 0, done.err
        assert done.images[0]["published"][0]["outcome"] == outcome
    assert published(server.host, f"{prefix}/{project.repository}") == project.tags()
