"""The flags that select cells. Every verb that has them selects by `builder.matrix.selection`."""

from argparse import ArgumentParser

from builder.commands.flags.kinds import repeatable, switch, value
from builder.matrix.spec import EVERY_PLATFORM


def selecting(sub: ArgumentParser) -> None:
    """For a verb that looks. Without a selection it takes every release on its default platform."""
    flags(sub, "without a selection: every release on its default platform", "instead of the default platforms")


def acting(sub: ArgumentParser) -> None:
    """For a verb that acts. It refuses an empty selection."""
    flags(
        sub, "at least one of --framework, --version, --gpu, --cpu, --all, --only", "instead of the default platforms"
    )
    sub.set_defaults(must_select=True)


def nightly(sub: ArgumentParser) -> None:
    """For a verb that takes every platform unless `--platform` names one."""
    flags(sub, "without a selection: every release on every platform", "only this platform")
    sub.set_defaults(platform=EVERY_PLATFORM)


def every_platform(sub: ArgumentParser) -> None:
    """For a verb that always takes every platform, so that what it writes or judges is complete."""
    flags(
        sub,
        "without a selection: every release; always on every platform",
        "has no effect here, except with render --bake",
    )
    sub.set_defaults(every_platform=True)


def flags(sub: ArgumentParser, nothing: str, platform: str) -> None:
    """The flags. `nothing` explains an empty selection, and `platform` explains `--platform`."""
    group = sub.add_argument_group("selection", nothing)
    text = "only this framework (default with --version, --gpu or --cpu: the default framework)"
    value(group, "--framework", "NAME", text)
    repeatable(group, "--version", "versions", "V", "only this version; 1.6 means 1.6.x; repeatable")
    device = group.add_mutually_exclusive_group()
    device.add_argument("--gpu", action="store_const", const="gpu", dest="device", help="only the cells for GPU")
    device.add_argument("--cpu", action="store_const", const="cpu", dest="device", help="only the cells for CPU")
    where = group.add_mutually_exclusive_group()
    value(where, "--platform", "NAME", platform)
    text = "every platform; `--platform any` means the same"
    where.add_argument("--all-platforms", action="store_const", const=EVERY_PLATFORM, dest="platform", help=text)
    switch(group, "--all", "every release; without it, --framework, --gpu or --cpu alone means the default version")
    text = "only cells whose name matches, like '1.*-gpu-*'; '*-debian12' selects on that platform; repeatable"
    repeatable(group, "--only", "only", "GLOB", text)
    repeatable(group, "--exclude", "exclude", "GLOB", "without the cells whose name matches; repeatable")
