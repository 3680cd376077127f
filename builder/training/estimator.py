"""Estimators: the documented constructor, as one class for each framework of the matrix."""

import re
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Protocol, cast

from builder.training.request import rows
from builder.training.request.argument_types import ContainerRegistry, Environment, Input, Module, Prompt
from builder.training.request.arguments import NAMES, Given
from builder.training.request.distribution import Distributed
from builder.training.request.from_arguments import FrameworkRows, request_of
from builder.training.request.parameters import Parameters, merged

if TYPE_CHECKING:
    from builder.matrix.spec import ImageSpec
    from builder.training.records.run import Run
    from builder.training.request.run_request import RunRequest


class RunTarget(Protocol):
    """Where runs go, e.g. LocalTarget or KubernetesTarget."""

    def submit(self, request: "RunRequest") -> "Run":
        """Start the run. Raises InputError when this target cannot run it."""


class Estimator:
    """A description of a training run. It is checked when it is made, and may be submitted many times.

    Raises InputError with every mistake. Changes no argument.
    """

    FRAMEWORK_NAME: ClassVar[str]
    DEFAULT_VERSION: ClassVar[str]
    framework: ClassVar[str]
    matrix_file: ClassVar[Path | None] = None
    site_file: ClassVar[Path | None] = None
    platform: ClassVar[str | None] = None
    names: ClassVar[Mapping[str, str] | None] = None
    """What whoever gives the arguments calls them; None where that is Python."""

    def __init__(
        self,
        source_directory: str | PathLike[str] | None,
        *,
        compute_target: "RunTarget | str | None" = None,
        vm_size: str | None = None,
        vm_priority: str | None = None,
        entry_script: str | PathLike[str] | Module | Prompt | None = None,
        script_params: Parameters | None = None,
        node_count: int = 1,
        process_count_per_node: int = 1,
        distributed_backend: str | None = None,
        distributed_training: Distributed | None = None,
        use_gpu: bool = False,
        use_docker: bool = True,
        custom_docker_base_image: str | None = None,
        custom_docker_image: str | None = None,
        image_registry_details: ContainerRegistry | None = None,
        user_managed: bool = False,
        conda_packages: Sequence[str] | None = None,
        pip_packages: Sequence[str] | None = None,
        conda_dependencies_file_path: str | None = None,
        pip_requirements_file_path: str | None = None,
        conda_dependencies_file: str | None = None,
        pip_requirements_file: str | None = None,
        environment_variables: Mapping[str, str] | None = None,
        environment_definition: Environment | None = None,
        inputs: Sequence[Input] | None = None,
        source_directory_data_store: object = None,
        shm_size: str | None = None,
        resume_from: str | PathLike[str] | None = None,
        max_run_duration_seconds: int | None = None,
        framework_version: str | None = None,
        _enable_optimized_mode: bool = False,
        _disable_validation: bool = True,
        _show_lint_warnings: bool = False,
        _show_package_warnings: bool = False,
    ) -> None:
        values = locals()
        self._given = Given(**{name: values[name] for name in NAMES})
        self.request, said = request_of(self._given, self._framework(), self.names)
        for text in said:
            category = DeprecationWarning if "deprecated" in text else UserWarning
            warnings.warn(text, category, stacklevel=2)

    @classmethod
    def _rows(cls) -> "tuple[ImageSpec, ...]":
        return rows.of_framework(rows.matrix(cls.matrix_file, cls.site_file), cls.framework, cls.platform)

    @classmethod
    def _framework(cls) -> FrameworkRows:
        return FrameworkRows(title=cls.FRAMEWORK_NAME, default_version=cls.DEFAULT_VERSION, rows=cls._rows())

    @classmethod
    def get_supported_versions(cls) -> list[str]:
        """The versions in the matrix, oldest first, e.g. `["1.0", "1.1"]`."""
        return rows.versions(cls._rows())

    def submit(
        self,
        *,
        script_params: Mapping[str, object] | None = None,
        inputs: Sequence[Input] | None = None,
    ) -> "Run":
        """Start the run, with these parameters replaced or added, and return at once. Raises BuilderError."""
        return self._target().submit(self._overridden(script_params, inputs))

    def _overridden(self, script_params: Mapping[str, object] | None, inputs: Sequence[Input] | None) -> "RunRequest":
        if script_params is None and inputs is None:
            return self.request
        changed = replace(
            self._given,
            script_params=merged(self._given.script_params, script_params),
            inputs=self._given.inputs if inputs is None else inputs,
        )
        return request_of(changed, self._framework(), self.names)[0]

    def _target(self) -> "RunTarget":
        from builder.training.local.target import LocalTarget

        given = self._given.compute_target
        return LocalTarget() if isinstance(given, str) else cast("RunTarget", given)


class PyTorch(Estimator):
    """Trains with PyTorch."""

    FRAMEWORK_NAME = "PyTorch"
    DEFAULT_VERSION = "1.4"
    framework = "pytorch"


def estimator_for(
    framework: str,
    *,
    matrix: Path | None = None,
    site: Path | None = None,
    platform: str | None = None,
    names: Mapping[str, str] | None = None,
) -> type[Estimator]:
    """The estimator class of a framework of the matrix. Raises InputError for an unknown name.

    `names` are what the arguments are called in errors, where those are not their own.
    """
    found = rows.matrix(matrix, site)
    title = rows.of_framework(found, framework, platform)[0].title
    bases = (PyTorch,) if framework == PyTorch.framework else (Estimator,)
    values = {
        "__doc__": f"Trains with {title}.",
        "FRAMEWORK_NAME": title,
        "DEFAULT_VERSION": found.default_versions[framework],
        "framework": framework,
        "matrix_file": matrix,
        "site_file": site,
        "platform": platform,
        "names": names,
    }
    return type(class_name(title), bases, values)


def class_name(title: str) -> str:
    """The name of a class from a title: `scikit-learn` gives `ScikitLearn`, `PyTorch` stays."""
    return "".join(part[0].upper() + part[1:] for part in re.split(r"[^A-Za-z0-9]+", title) if part)
