"""A site that names an index of CPU wheels builds and verifies what that index has; what is committed stays."""

import docker
import yaml

from builder.dependencies.lockfile import NAME, NAME_OF_CPU_WHEELS
from tests.support.build_network import gateway
from tests.support.package_index import Index, serving
from tests.support.project import NewProject, small_matrix
from tests.support.wheels import write_wheel

ASK = "import importlib.metadata as m; print(m.version('torch'))"


def test_a_cell_for_cpu_has_the_wheel_of_the_index_for_cpu(
    new_project: NewProject, engine: docker.DockerClient
) -> None:
    project = new_project()
    # No other index has this release.
    (project.root / "matrix.yaml").write_text(small_matrix(project.framework, pins={"torch": "9.0.9"}), "utf-8")
    wheel = write_wheel(project.root / "wheels", "torch", "9.0.9+cpu")
    index = Index(heads=True, files={wheel.name: wheel.read_bytes()})
    with serving(index, gateway(engine)):
        content = yaml.safe_load(project.site.read_text("utf-8"))
        content["pip"] = {**content.get("pip", {}), "cpu-index-url": f"{index.url}/simple"}
        site = project.root / "cpu-site.yaml"
        site.write_text(yaml.safe_dump(content), "utf-8")
        for verb in ("lock", "render"):
            done = project.run(verb, f"--site={site}")
            assert done.code == 0, done.err
        done = project.build(f"--site={site}")
    assert done.code == 0, done.err
    image = f"{project.repository}:1.0.0-cpu"
    assert engine.containers.run(image, ["/opt/env/bin/python", "-c", ASK], remove=True) == b"9.0.9+cpu\n"
    assert "torch" not in (project.root / NAME).read_text("utf-8")
    assert NAME_OF_CPU_WHEELS in {path.name for path in project.root.iterdir()}
