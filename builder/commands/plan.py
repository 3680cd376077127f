"""`plan`: prints what `build` would do with each selected image, why, and how long it takes; changes nothing."""

from builder.commands.common.plan_table import print_plan
from builder.commands.flags.build import BuildOptions


def run(options: BuildOptions) -> int:
    """Print a decision for each selected cell; returns 0."""
    return print_plan(options)
