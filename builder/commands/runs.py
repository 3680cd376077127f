"""`runs`: lists, shows, follows, stops or removes runs, also those whose builder was killed."""

import sys

from builder.commands.common.follow_run import announced, followed
from builder.commands.common.output import document
from builder.commands.flags.train import RunOptions
from builder.errors import BuilderError, InputError, harmless
from builder.training.find import all_runs, find, follower
from builder.training.records import record, summary
from builder.training.records.ranks import RankLines, assert_there
from builder.training.records.removal import remove
from builder.training.records.run import Run, show
from builder.training.records.summary import Row

INTERRUPTED = 130
GOING_ON = ("submitted", "running")
WIDTH = 40
"""Letters of the arguments in the list; `runs show` has them all."""
NEEDS_NAME = "{0} needs the name of a run: python -m builder runs {0} RUN"


def run(options: RunOptions) -> int:
    """List all runs, or show, follow, stop or remove some."""
    misplaced(options)
    if options.action == "list":
        return listed(options)
    if not options.names:
        raise InputError(NEEDS_NAME.format(options.action), hint="python -m builder runs")
    found = list(dict.fromkeys(find(record.root(options.runs), name) for name in options.names))
    if options.action == "stop":
        return stopped(found)
    if options.action == "remove":
        return removed(found, all_runs(record.root(options.runs)))
    if options.action == "show":
        return shown(found, options)
    if options.action == "logs":
        return logs(found, options)
    return max(followed(announced(one)) for one in found)


def misplaced(options: RunOptions) -> None:
    """Raise InputError for a flag of `runs logs` with another action."""
    flags = {"--follow": options.follow, "--rank": options.rank is not None}
    problems = [f"{flag} goes with logs" for flag, given in flags.items() if given and options.action != "logs"]
    if problems:
        raise InputError(problems, hint="python -m builder runs logs RUN")


def listed(options: RunOptions) -> int:
    """Print a line for each run, oldest first."""
    if options.names:
        raise InputError("list takes no name", hint="python -m builder runs")
    rows = [row(one) for one in all_runs(record.root(options.runs))]
    if options.format == "table":
        rows = [{**one, "arguments": shorten(one["arguments"])} for one in rows]
    print(document(rows, "runs", options.format))
    return 0


def row(run: Run) -> Row:
    """A run for people and programs. A run that ended unseen is collected first."""
    now = present(run)
    return {**summary.row(run.record), **now}


def present(run: Run) -> Row:
    """How a run is now, and who follows it."""
    status = status_of(run)
    return {"status": status, "followed by": None if run.record.is_final else follower(run) or "nobody"}


def shorten(text: str) -> str:
    return text if len(text) <= WIDTH else f"{text[: WIDTH - 1]}…"


def shown(found: list[Run], options: RunOptions) -> int:
    """Print all that is known of the runs."""
    rows = [known(one) for one in found]
    if options.format == "table":
        print(harmless("\n\n".join(map(lines, rows))))
    else:
        print(document(rows, "runs", options.format))
    return 0


def known(run: Run) -> Row:
    """All that is known of a run. One that ended unseen is collected first."""
    now = present(run)
    return {**summary.details(run.record), **now, "outputs": run.outputs_place}


def lines(one: Row) -> str:
    """The fields of a run, each on a line, or a line for each of its values. What is empty is left out."""
    width = max(map(len, one))
    found = []
    for name, value in one.items():
        values = [f"{key} {part}" for key, part in value.items() if part] if isinstance(value, dict) else value
        for text in values if isinstance(values, list) else [values]:
            found += [f"{name.ljust(width)}  {text}"] if text not in (None, "") else []
    return "\n".join(found)


def logs(found: list[Run], options: RunOptions) -> int:
    """Print what the runs have printed. With --follow also what they print until their end."""
    for one in found:
        if options.rank is not None:
            assert_there(one.plan.topology, options.rank, one.id)
    for one in found:
        try:
            printed(one, options)
        except KeyboardInterrupt:
            if not one.record.is_final:
                print(f"{one.id}: the run goes on", file=sys.stderr)
            return INTERRUPTED
    return 0


def printed(run: Run, options: RunOptions) -> None:
    """Print the output of a run, or what one of its ranks printed."""
    picked = None if options.rank is None or run.plan.topology.world_size == 1 else RankLines(options.rank, show)
    sink = picked or show
    if options.follow and status_of(run) in GOING_ON:
        run.watch(sink)
    else:
        sink(False, run.output())
    if picked:
        picked.end()


def status_of(run: Run) -> str:
    """How a run is. `unknown`, with a note on stderr, when its engine or cluster gives no answer."""
    try:
        return run.status
    except BuilderError as error:
        print(f"note: {run.id}: {error.message}", file=sys.stderr)
        return "unknown"


def stopped(found: list[Run]) -> int:
    """End the runs. A run that has ended already is no error."""
    for one in found:
        one.cancel()
        print(f"{one.id}: {one.record.status}", file=sys.stderr)
    return 0


def removed(found: list[Run], everything: list[Run]) -> int:
    """Delete the runs. Raises InputError when one of them goes on."""
    remove(found, everything)
    for one in found:
        print(f"{one.id}: removed, with its outputs", file=sys.stderr)
    return 0
