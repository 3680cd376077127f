"""The flags of `run` that take it to a cluster, or write it down for one."""

from argparse import ArgumentParser

from builder.commands.flags import shared
from builder.commands.flags.kinds import value


def cluster(sub: ArgumentParser) -> None:
    """Where a run goes, and what of a cluster it uses."""
    shared.insecure(sub)
    group = sub.add_argument_group("elsewhere")
    group.add_argument(
        "--target", choices=("local", "kubernetes"), default="local", help="where it runs (default: %(default)s)"
    )
    group.add_argument(
        "-n", "--dry-run", action="store_true", help="with --target kubernetes: print the manifests, and ask no cluster"
    )
    group.add_argument("--export", choices=("azureml",), metavar="KIND", help="azureml: print it as a command job")
    value(group, "--compute", "NAME", "with --export azureml: the compute of the workspace")
    value(group, "--registry", "HOST[/PREFIX]", "where the cluster pulls the images from")
    value(group, "--namespace", "NAME", "of the cluster (default: default)")
    value(group, "--context", "NAME", "of the kubeconfig (default: its current one)")
    value(group, "--pull-secret", "NAME", "the Secret of the namespace that images are pulled with")
    value(group, "--outputs-claim", "CLAIM", "keeps outputs and logs, below the name of the run")
    value(group, "--source-claim", "CLAIM/PATH", "has the source, where it is too large to travel with the job")
