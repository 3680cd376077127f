"""How an image is named where it is used: by digest, in each reader's own language, whatever the values hold."""

import ast
import json
import shlex
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from builder.catalogue.form_names import FORMS
from builder.catalogue.forms import IMAGE_FORMS, Pull, azureml_v2_build, label_of, pull_of
from builder.catalogue.image_info import Image, ImageLocation, Info, Layer, info_of
from builder.matrix.load import load
from builder.matrix.spec import ImageSpec

ROOT = Path(__file__).parents[3]
CELLS = {(s.version, s.device, s.platform.name): s for s in load(ROOT / "matrix.yaml").cells}
GPU = CELLS["1.6.0", "gpu", "debian12"]
CPU = CELLS["1.6.0", "cpu", "debian12"]
DIGEST = f"sha256:{'12e4' * 16}"
ENGINE = ImageLocation(repository="pytorch", is_registry=False, tags=("1.6-gpu", "1.6.0-gpu-cuda10.2-0123abcd"))
REGISTRY = ImageLocation(repository="registry.example:5000/ml/pytorch", is_registry=True, tags=ENGINE.tags)


def known(spec: ImageSpec = GPU, *places: ImageLocation) -> Info:
    layer = Layer(digest=DIGEST, made_by="the base")
    image = Image(
        digest=DIGEST,
        fingerprint="0123abcd" * 8,
        base=DIGEST,
        architecture="amd64",
        is_current=True,
        compressed=None,
        unpacked=None,
        layers=(layer,),
        places=places or (ENGINE, REGISTRY),
        verification=None,
        sbom=None,
        inputs=None,
    )
    return info_of(spec, image)


def files(form: Any, info: Info) -> dict[str, str]:
    pull = pull_of(info)
    assert pull
    return IMAGE_FORMS[form](info, pull)


def test_a_registry_comes_before_the_engine() -> None:
    assert str(pull_of(known())) == f"registry.example:5000/ml/pytorch@{DIGEST}"
    assert str(pull_of(known(GPU, ENGINE))) == f"pytorch@{DIGEST}"
    assert pull_of(replace(known(), image=None)) is None


def test_a_tag_is_the_immutable_one_and_only_when_asked_for() -> None:
    assert str(pull_of(known(), by_tag=True)) == "registry.example:5000/ml/pytorch:1.6.0-gpu-cuda10.2-0123abcd"
    rolling = replace(ENGINE, tags=("1.6-gpu",))
    pull = pull_of(known(GPU, rolling), by_tag=True)
    assert pull
    assert pull.tag is None


@pytest.mark.parametrize("form", IMAGE_FORMS)
def test_every_form_names_the_digest(form: str) -> None:
    assert DIGEST in next(iter(files(form, known()).values()))


def test_every_form_of_the_command_line_is_there() -> None:
    assert {*IMAGE_FORMS, "azureml-v2-build"} == set(FORMS)


def test_the_estimators_arguments_keep_registry_and_image_apart() -> None:
    found = files("custom_docker_image", known())
    assert json.loads(found["custom_docker_image.json"]) == {
        "custom_docker_image": f"ml/pytorch@{DIGEST}",
        "user_managed": True,
        "image_registry_details": {"address": "registry.example:5000"},
    }
    assert "registry.example:5000" in ast.unparse(ast.parse(found["custom_docker_image.py"]))


def test_gpu_and_shared_memory_flags() -> None:
    gpu, cpu = (shlex.split(files("docker-run", known(spec))["docker-run.sh"]) for spec in (GPU, CPU))
    assert gpu[gpu.index("--gpus") + 1] == "all"
    assert gpu[gpu.index("--shm-size") + 1] == "2g"
    assert "--gpus" not in cpu


def test_a_pod_asks_for_a_gpu_shared_memory_and_credentials() -> None:
    pod = yaml.safe_load(files("kubernetes", known())["pod.yaml"])
    container = pod["spec"]["containers"][0]
    assert container["resources"]["limits"] == {"nvidia.com/gpu": 1}
    assert pod["spec"]["imagePullSecrets"] == [{"name": "registry-credentials"}]
    assert pod["spec"]["volumes"] == [{"name": "shared-memory", "emptyDir": {"medium": "Memory", "sizeLimit": "2Gi"}}]
    local = yaml.safe_load(files("kubernetes", known(CPU, ENGINE))["pod.yaml"])
    assert "imagePullSecrets" not in local["spec"]
    assert "resources" not in local["spec"]["containers"][0]


def test_a_version_of_hex_digits_stays_text() -> None:
    """`12e412e412e4` would be a number to a YAML 1.2 reader, and `12e4` is one."""
    document = yaml.safe_load(files("azureml-v2-image", known())["environment.yml"])
    assert document["version"] == "sha256-12e412e412e4"
    assert azureml_v2_build(known(), "context", {"a": "1"}) != azureml_v2_build(known(), "context", {"a": "2"})


def test_a_gpu_is_required_of_a_dev_container() -> None:
    gpu, cpu = (
        json.loads(files("devcontainer", known(spec))[".devcontainer/devcontainer.json"]) for spec in (GPU, CPU)
    )
    assert gpu["hostRequirements"] == {"gpu": True}
    assert "hostRequirements" not in cpu


@settings(deadline=None, max_examples=50)
@given(st.text(min_size=1, max_size=60))
def test_no_value_ends_its_place(text: str) -> None:
    """The schema lets none of these through; were one to come, it would still be a value."""
    info = replace(known(), title=text, name=f"x/{text}")
    pull = Pull(host=None, repository=text, digest=DIGEST)
    written = {form: next(iter(make(info, pull).values())) for form, make in IMAGE_FORMS.items()}
    assert yaml.safe_load(written["azureml-v2-image"])["image"] == str(pull)
    assert yaml.safe_load(written["kubernetes"])["spec"]["containers"][0]["image"] == str(pull)
    assert json.loads(written["devcontainer"])["image"] == str(pull)
    assert json.loads(written["azureml-v1"])["docker"]["baseImage"] == str(pull)
    assert str(pull) in shlex.split(written["docker-run"])
    assert any(
        getattr(node, "value", None) == str(pull) for node in ast.walk(ast.parse(written["custom_docker_image"]))
    )


@settings(deadline=None, max_examples=50)
@given(st.text(max_size=100))
def test_a_dns_label_is_one(text: str) -> None:
    found = label_of(replace(known(), name=f"x/{text}"))
    assert 1 <= len(found) <= 63
    assert found.replace("-", "").isalnum()
    assert found[0] != "-" != found[-1]
