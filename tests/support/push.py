"""Pushing what a project has built."""

from tests.support.command_line import CommandResult
from tests.support.project import Project


def push(
    project: Project, *registries: str, more: tuple[str, ...] = ("--version=1",), env: dict[str, str] | None = None
) -> CommandResult:
    return project.run(*push_command(project, *registries, more=more), "--format=json", env=env)


def push_command(project: Project, *registries: str, more: tuple[str, ...] = ("--version=1",)) -> tuple[str, ...]:
    """The words of `push` to these registries."""
    where = (f"--registry={one}" for one in registries)
    return ("push", *more, f"--site={project.site}", f"--repository={project.repository}", *where)
