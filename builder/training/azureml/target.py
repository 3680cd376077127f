"""A workspace of Azure ML as the place of a run: nothing is submitted, the run is written as its own tools read it."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, NoReturn

from builder.errors import InputError
from builder.training.images.engine_image import ImageOrigin
from builder.training.records import record
from builder.training.request.plan import Snapshot
from builder.training.request.run_request import plan_of

if TYPE_CHECKING:
    from builder.training.request.run_request import RunRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class AzureMLTarget:
    """A compute of a workspace, and the registry that the workspace pulls from."""

    is_here: ClassVar[bool] = False
    compute: str
    registry: str | None = None
    insecure_registries: tuple[str, ...] = ()
    repository: str | None = None
    matrix: Path | None = None
    site: Path | None = None

    def submit(self, _request: "RunRequest") -> NoReturn:
        """Raises InputError: the workspace's own tools submit."""
        raise InputError("runs are not submitted to Azure ML here", hint="run --export azureml, then az ml job create")

    def document(self, request: "RunRequest") -> str:
        """The run as a command job in YAML; raises BuilderError."""
        import yaml

        from builder.training.azureml.command_job import command_job
        from builder.training.images import registry_image

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
        job = command_job(plan, compute=self.compute, source=str(request.source), name=record.new_id(request.entry))
        return yaml.safe_dump(job, sort_keys=False, allow_unicode=True)
