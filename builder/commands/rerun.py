"""`rerun`: repeats a run exactly: the same image by digest, the same source, arguments, inputs and limits."""

from builder.commands.common.follow_run import begun
from builder.commands.flags.train import RunOptions
from builder.host import engine
from builder.training.find import find
from builder.training.kubernetes import submit
from builder.training.kubernetes.run import ClusterRun
from builder.training.local.target import repeated
from builder.training.records import record


def run(options: RunOptions) -> int:
    """Start the run again and follow it; returns 1 when it does not complete."""
    place = record.root(options.runs)
    found = find(place, options.names[0])
    if isinstance(found, ClusterRun):
        return begun(submit.repeated(found, place), detach=options.detach)
    with engine.connected() as client:
        again = repeated(client, found.plan, place)
    return begun(again, detach=options.detach)
