"""The image of a run on a cluster, found in a real registry: what runs is its digest."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from builder.catalogue.engine_images import LABEL_BASE
from builder.errors import BuilderError, InputError
from builder.matrix.names import LABEL_FINGERPRINT, LABEL_ROW, cell
from builder.matrix.promise import promise_of
from builder.registry import manifests
from builder.registry.connection import connected
from builder.registry.manifests import OCI_MANIFEST
from builder.training import ContainerRegistry, PyTorch
from builder.training.images.engine_image import ImageOrigin
from builder.training.images.registry_image import resolve
from builder.training.request.run_request import RunRequest
from tests.support import registries
from tests.support.registries import Server, image, stored

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with registries.registry(tmp_path_factory.mktemp("registry") / "open") as found:
        yield found


def wanted(directory: Path, **values: object) -> RunRequest:
    (directory / "train.py").write_text("")
    given = {"entry_script": "train.py", "framework_version": "1.4", **values}
    return PyTorch(directory, compute_target="local", **given).request  # type: ignore[arg-type]


def pushed(server: Server, request: RunRequest) -> str:
    """The digest of an image with the labels of the row, under the tag that only the row's images have."""
    spec = request.row
    labels = {LABEL_ROW: promise_of(spec).to_label(), LABEL_FINGERPRINT: "1" * 64, LABEL_BASE: f"sha256:{'2' * 64}"}
    config = json.dumps({"architecture": "amd64", "config": {"Labels": labels, "User": "1000:1000"}}).encode()
    with connected(server.host) as connection:
        body = json.loads(image(connection, "team/pytorch", b"layer"))
        body["config"] = {**body["config"], **stored(connection, "team/pytorch", config)}
        tag = f"{spec.version}-{spec.device}-{spec.platform.name}"
        return manifests.put(connection, "team/pytorch", tag, json.dumps(body).encode(), OCI_MANIFEST).digest


def test_the_image_of_a_row_and_of_a_tag(server: Server, tmp_path: Path) -> None:
    request = wanted(tmp_path)
    digest, repository = pushed(server, request), f"{server.host}/team/pytorch"
    found = resolve(request, f"{server.host}/team", ImageOrigin())
    assert (found.digest, found.repository, found.cell) == (digest, repository, cell(request.row))
    named = f"{repository}:{request.row.version}-{request.row.device}-{request.row.platform.name}"
    mine = resolve(wanted(tmp_path, custom_docker_image=named, framework_version=None), None, ImageOrigin())
    assert (mine.digest, mine.repository, mine.cell, mine.user) == (digest, repository, found.cell, "1000:1000")


def test_what_no_cluster_can_pull_is_refused(server: Server, tmp_path: Path) -> None:
    with pytest.raises(BuilderError, match="has no image of it") as caught:
        resolve(wanted(tmp_path), f"{server.host}/elsewhere", ImageOrigin())
    assert "push --only" in str(caught.value.hint)
    with pytest.raises(BuilderError, match="has no such image"):
        resolve(wanted(tmp_path, custom_docker_image=f"{server.host}/team/none:1"), None, ImageOrigin())
    login = ContainerRegistry(username="me", password="hidden")
    with pytest.raises(InputError, match="does not take a user name") as refused:
        resolve(
            wanted(tmp_path, custom_docker_image="r.example/x:1", image_registry_details=login), None, ImageOrigin()
        )
    assert "hidden" not in str(refused.value)
