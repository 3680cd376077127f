"""The flags of `run` that take it to a cluster, or write it down for one."""

from argparse import ArgumentParser

from builder.commands.flags import shared


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
    group.add_argument("--compute", metavar="NAME", help="with --export azureml: the compute of the workspace")
    group.add_argument("--registry", metavar="HOST[/PREFIX]", help="where the cluster pulls the images from")
    group.add_argument("--namespace", metavar="NAME", help="of the cluster (default: default)")
    group.add_argument("--context", metavar="NAME", help="of the kubeconfig (default: its current one)")
    group.add_argument("--pull-secret", metavar="NAME", help="the Secret of the namespace that images are pulled with")
    group.add_argument("--outputs-claim", metavar="CLAIM", help="keeps outputs and logs, below the name of the run")
    group.add_argument(
        "--source-claim", metavar="CLAIM/PATH", help="has the source, where it is too large to travel with the job"
    )
