"""A workspace of Azure ML as a target: it submits nothing, but writes the run down for Azure ML's own tools."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, NoReturn

from builder.errors import InputError
from builder.training.azureml.command_job import command_job
from builder.training.images.engine_image import ImageOrigin
from builder.training.records import record
from builder.training.request.plan import Snapshot
from builder.training.request.run_request import RunRequest, plan_of


@dataclass(frozen=True, slots=True, kw_only=True)
class AzureMLTarget:
    """A compute of a workspace, and the registry from which the workspace pulls."""

    is_here: ClassVar[bool] = False
    compute: str
    registry: str | None = None
    insecure_registries: tuple[str, ...] = ()
    repository: str | None = None
    matrix: Path | None = None
    site: Path | None = None

    def submit(self, _request: RunRequest) -> NoReturn:
        """Raises InputError: only Azure ML's own tools submit."""
        raise InputError(
            "nothing is submitted to Azure ML from here",
            hint="python -m builder run --entry FILE --export azureml > job.yml; az ml job create --file job.yml",
        )

    def document(self, request: RunRequest) -> str:
        """The run as a command job in YAML. Raises BuilderError."""
        import yaml

        from builder.training.images import registry_image  # slow: it brings the catalogue

        origin = ImageOrigin(
            repository=self.repository,
            matrix=self.matrix,
            site=self.site,
            insecure_registries=self.insecure_registries,
        )
        plan = plan_of(
            request,
            image=registry_image.resolve(request, self.registry, origin),
            # The workspace takes its own copy of the source.
            snapshot=Snapshot(sha256="", files=0, size=0, path=str(request.source)),
        )
        job = command_job(plan, compute=self.compute, source=str(request.source), name=record.new_id(plan.entry))
        return yaml.safe_dump(job, sort_keys=False, allow_unicode=True)
