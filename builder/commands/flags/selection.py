"""The flags that select cells. Every verb that has them selects by `builder.matrix.selection`."""

from argparse import ArgumentParser

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
    flags(sub, "without a selection: every release; always on every platform", "has no effect here")
    sub.set_defaults(every_platform=True)


def flags(sub: ArgumentParser, nothing: str, platform: str) -> None:
    """The flags. `nothing` explains an empty selection, and `platform` explains `--platform`."""
    group = sub.add_argument_group("selection", nothing)
    group.add_argument(
        "--framework",
        metavar="NAME",
        help="only this framework (default with --version, --gpu or --cpu: the default framework)",
    )
    group.add_argument(
        "--version",
        action="append",
        dest="versions",
        default=[],
        metavar="V",
        help="only this version; 1.6 means 1.6.x; repeatable",
    )
    device = group.add_mutually_exclusive_group()
    device.add_argument("--gpu", action="store_const", const="gpu", dest="device", help="only the GPU images")
    device.add_argument("--cpu", action="store_const", const="cpu", dest="device", help="only the CPU images")
    where = group.add_mutually_exclusive_group()
    where.add_argument("--platform", metavar="NAME", help=platform)
    where.add_argument(
        "--all-platforms",
        action="store_const",
        const=EVERY_PLATFORM,
        dest="platform",
        help="every platform; `--platform any` means the same",
    )
    group.add_argument(
        "--all",
        action="store_true",
        help="every release; without it, --framework, --gpu or --cpu alone means the default version",
    )
    text = "only cells whose name matches, like '1.*-gpu-*'; '*-debian12' selects on that platform; repeatable"
    group.add_argument("--only", action="append", default=[], metavar="GLOB", help=text)
    group.add_argument(
        "--exclude",
        action="append",
        default=[],
        metavar="GLOB",
        help="without the cells whose name matches; repeatable",
    )
