"""Runs as they were planned: one for the engine of this host, one that Azure ML is to run."""

from builder.training.request.distribution import Topology
from builder.training.request.plan import Limits, Mount, RunImage, RunPlan, Snapshot

DIGEST = "sha256:" + "1" * 64
LOCAL_PLAN = RunPlan(
    image=RunImage(reference="pytorch:1.4-gpu", digest="sha256:" + "0" * 64, device="gpu", cell="pytorch/1.4.0-gpu-x"),
    snapshot=Snapshot(sha256="1" * 64, files=2, size=3, path="/store/1"),
    command=("python", "train.py", "--lr", "0.1"),
    topology=Topology(backend="gloo", nodes=2, processes_per_node=2),
    environment=(("A", "1"),),
    inputs=(Mount(source="/data", target="/training/inputs/data"),),
    secrets=(("KEY", "/home/me/key"),),
    limits=Limits(seconds=60, memory=1024, cpus=1.5),
)
AZUREML_PLAN = RunPlan(
    image=RunImage(reference="1.4-gpu", digest=DIGEST, repository="r.example/pytorch"),
    snapshot=Snapshot(sha256="2" * 64, files=1, size=10, path="/tmp/x"),
    command=(
        "python",
        "train.py",
        "--data",
        "/training/inputs/images",
        "--name",
        "a b; $(rm -rf /) 'x'",
        "--resume-from",
        "/training/resume/model.pt",
    ),
    environment=(("A", "1"), ("AZUREML_DATAREFERENCE_images", "/training/inputs/images")),
    inputs=(
        Mount(source="azureml://datastores/d/paths/images", target="/training/inputs/images"),
        Mount(source="azureml://datastores/d/paths/model.pt", target="/training/resume/model.pt"),
    ),
    limits=Limits(shm=2**31, seconds=600),
    topology=Topology(backend="gloo", nodes=2, processes_per_node=3),
)
