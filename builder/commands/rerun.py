"""`rerun`: repeats a run with the same image by digest, source, arguments, inputs and limits."""

from builder.commands.common.follow_run import begun
from builder.commands.flags.train import RunOptions
from builder.host import engine
from builder.training.find import find
from builder.training.kubernetes import submit
from builder.training.kubernetes.run import ClusterRun
from builder.training.local.target import repeated
from builder.training.records import record


def run(options: RunOptions) -> int:
    """Start the run again and follow it. Returns the exit code of its script."""
    directory = record.root(options.runs)
    found = find(directory, options.names[0])
    if isinstance(found, ClusterRun):
        return begun(submit.repeated(found, directory), detach=options.detach)
    with engine.connected() as client:
        again = repeated(client, found.plan, directory)
    return begun(again, detach=options.detach)
