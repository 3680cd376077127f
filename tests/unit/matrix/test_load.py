"""The matrix: what it holds, and how every mistake in it is reported with its place."""

from pathlib import Path

import pytest

from builder.errors import InputError
from builder.matrix.load import Preferred, load
from builder.matrix.names import cell

ROOT = Path(__file__).parents[3]
TEXT = (ROOT / "matrix.yaml").read_text("utf-8")


def problems(tmp_path: Path, text: str) -> str:
    file = tmp_path / "matrix.yaml"
    file.write_text(text, "utf-8")
    with pytest.raises(InputError) as caught:
        load(file)
    assert caught.value.exit_code == 2
    return caught.value.message


def line_of(text: str, needle: str) -> int:
    return text[: text.index(needle)].count("\n") + 1


def test_holds_every_documented_release_for_both_devices_on_both_platforms() -> None:
    names = {cell(spec) for spec in load(ROOT / "matrix.yaml").cells}
    wanted = {
        f"pytorch/{version}-{device}-{platform}"
        for version in ("1.0.0", "1.1.0", "1.2.0", "1.3.1", "1.4.0", "1.5.0", "1.6.0")
        for device in ("cpu", "gpu")
        for platform in ("ubuntu16.04", "debian12")
    }
    assert wanted <= names
    assert {"pytorch/2.13.0-cpu-debian12", "pytorch/2.13.0-gpu-debian12", "scikit-learn/1.9.1-cpu-debian12"} <= names


def test_the_documented_stack_is_on_ubuntu() -> None:
    spec = next(s for s in load(ROOT / "matrix.yaml").cells if cell(s) == "pytorch/1.4.0-gpu-ubuntu16.04")
    documented = {
        "python": "3.6.2", "miniconda": "4.5.11", "openmpi": "3.1.2", "git": "2.7.4", "cudnn": "7.6.3", "nccl": "2.4.8",
        "torch": "1.4.0", "torchvision": "0.5.0", "horovod": "0.18.1", "tensorboard": "1.14.0", "future": "0.17.1",
    }  # fmt: skip
    assert {name: spec.value(name) for name in documented} == documented
    assert spec.value("cuda").startswith("10.1.")
    assert spec.is_default_platform
    assert spec.is_default_version


def test_torchvision_deviates_in_six_rows_and_says_why() -> None:
    rows = {
        s.version: s.pin("torchvision")
        for s in load(ROOT / "matrix.yaml").cells
        if s.version.startswith("1.") and s.framework == "pytorch"
    }
    deviating = {version for version, pin in rows.items() if pin and pin.documented}
    assert deviating == {"1.0.0", "1.1.0", "1.2.0", "1.3.1", "1.5.0", "1.6.0"}
    assert all("requires torch==" in (pin.reason or "") for pin in rows.values() if pin and pin.documented)


def test_a_site_may_prefer_another_platform() -> None:
    matrix = load(ROOT / "matrix.yaml", Preferred(platform="debian12"))
    assert {spec.platform.name for spec in matrix.cells if spec.is_default_platform} == {"debian12"}


def test_versions_stay_text(tmp_path: Path) -> None:
    file = tmp_path / "matrix.yaml"
    file.write_text(TEXT.replace('scikit-learn: "1.9.1"', "scikit-learn: 3.10"), "utf-8")
    spec = next(s for s in load(file).cells if s.framework == "scikit-learn")
    assert spec.value("scikit-learn") == "3.10"


@pytest.mark.parametrize(
    ("old", "new", "where", "what"),
    [
        ('default-version: "1.4"', 'default-verson: "1.4"', "default-verson", "unknown key (did you mean default-version?)"),
        ('default-version: "1.4"', 'default-verson: "1.4"', "title: PyTorch", "the key default-version is missing"),
        ('miniconda: "4.5.11"', 'miniconda: "4.5.11"\n      miniconda: "4.5.12"', '"4.5.12"', "the key is there twice"),
        ('miniconda: "4.5.11"', 'miniconda: "four"', '"four"', "'four' is not a version"),
        ("devices: [cpu, gpu]", "devices: [cpu, gpuu]", "gpuu", "'gpuu' is not a device (did you mean gpu?)"),
        ("default-platform: ubuntu16.04", "default-platform: ubuntu18.04", "ubuntu18.04", "is not a platform of this release (did you mean ubuntu16.04?)"),
        ("stack: estimator-debian12", "stack: estimater-debian12", "estimater", "(did you mean estimator-debian12?)"),
        ("  joblib: python-distribution\n", "", "joblib: ", "no check asserts this pin"),
        ("  joblib: python-distribution\n", "  joblib: python-distribution\n  spare: git\n", "spare: git", "no pin needs this check"),
        ("  joblib: python-distribution\n", "  joblib: rumour\n", "rumour", "no probe is called 'rumour'"),
        ('version: "1.1.0"', 'version: "1.0.0"', '- framework: pytorch\n    version: "1.0.0"', "two cells have the name pytorch/1.0.0-cpu-ubuntu16.04"),
        ('schema: "1"', 'schema: "2"', '"2"', "is not a schema this program knows"),
        ('glibc: "2.36"', 'glibc: "2.36; rm -rf /"', "rm -rf", "is not a version"),
        ("image: ubuntu:16.04", 'image: "ubuntu:16.04\\nRUN id"', '"ubuntu:16.04\\n', "is not an image name"),
        ("suite: bookworm", "suite: ../../x", "../../x", "is not a suite"),
        ("miniconda-4.5.11:\n", "miniconda-4.5.12:\n", "miniconda-4.5.12:", "nothing uses it"),
    ],
)  # fmt: skip
def test_a_mistake_is_reported_with_its_place(tmp_path: Path, old: str, new: str, where: str, what: str) -> None:
    text = TEXT.replace(old, new, 1)
    assert text != TEXT
    found = problems(tmp_path, text)
    assert what in found
    places = [line.split(":")[1] for line in found.splitlines() if what in line]
    nearby = {str(line_of(text, where) + offset) for offset in (-1, 0, 1)}
    assert nearby & set(places), found


def test_all_mistakes_are_reported_in_one_run(tmp_path: Path) -> None:
    text = (
        TEXT.replace('miniconda: "4.5.11"', "miniconda: four", 1)
        .replace('glibc: "2.36"', "glibc: x")
        .replace("title: PyTorch", "titel: PyTorch")
    )
    assert len(problems(tmp_path, text).splitlines()) >= 4


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("a: &x [1]\nb: *x\n", "anchors, aliases and tags"),
        ("a: !!python/object/apply:os.system ['id']\n", "anchors, aliases and tags"),
        ("a: \x00\n", "control character"),
        ("a: \u202eb\n", "control character"),
        ("a: [" * 200, "nested deeper"),
        ("a: " + "x" * 5_000 + "\n", "a value of 5,000 characters"),
        ("a: " + "x" * 5_000_000 + "\n", "larger than"),
        ("", "empty"),
        ("a: [\n", "not YAML"),
        ("- 1\n", "expected a mapping"),
        ("? [a]\n: b\n", "a key must be text"),
    ],
)
def test_a_hostile_file_is_refused(tmp_path: Path, text: str, what: str) -> None:
    assert what in problems(tmp_path, text)


def test_a_missing_file_says_so(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="No such file"):
        load(tmp_path / "matrix.yaml")


@pytest.mark.parametrize(
    "version",
    ["1.6; rm -rf /", "$(id)", "`id`", "1.6\\nRUN id", "../../x", "1.6===x", "--index-url=x", "1.6 @ https://x"],
)
def test_a_hostile_version_is_refused_with_its_place(tmp_path: Path, version: str) -> None:
    text = TEXT.replace('horovod: "0.19.5"', f'horovod: "{version}"')
    line = line_of(text, 'horovod: "' + version)
    assert f"matrix.yaml:{line}:" in problems(tmp_path, text)
