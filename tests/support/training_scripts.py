"""Training scripts for every torch from 1.0 on: a small network on generated data, alone or as one of several."""

TRAIN = """
import argparse, json, os, sys
import torch

parser = argparse.ArgumentParser()
parser.add_argument("--steps", type=int, default=20)
parser.add_argument("--with", dest="means", choices=("none", "distributed", "horovod"), default="none")
parser.add_argument("--resume-from")
options = parser.parse_args()

rank, world = 0, 1
if options.means == "distributed":
    import torch.distributed as distributed
    distributed.init_process_group("gloo")
    rank, world = distributed.get_rank(), distributed.get_world_size()
elif options.means == "horovod":
    import horovod.torch as hvd
    hvd.init()
    rank, world = hvd.rank(), hvd.size()
if world > 1:
    assert (str(rank), str(world)) == (os.environ["RANK"], os.environ["WORLD_SIZE"])

torch.manual_seed(7)
features = torch.randn(64, 8).double()
wanted = torch.sin(features[:, :1] * 2 - features[:, 1:2])
model = torch.nn.Sequential(torch.nn.Linear(8, 16), torch.nn.Tanh(), torch.nn.Linear(16, 1)).double()
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
first = 0
if options.resume_from:
    checkpoint = torch.load(options.resume_from)
    model.load_state_dict(checkpoint["model"])
    optimizer.load_state_dict(checkpoint["optimizer"])
    first = checkpoint["step"]
if options.means == "horovod":
    optimizer = hvd.DistributedOptimizer(optimizer, named_parameters=model.named_parameters())
for step in range(first, first + options.steps):
    optimizer.zero_grad()
    loss = ((model(features[rank::world]) - wanted[rank::world]) ** 2).mean()
    loss.backward()
    if options.means == "distributed":
        for parameter in model.parameters():
            distributed.all_reduce(parameter.grad)
            parameter.grad /= world
    optimizer.step()
    if rank == 0:
        print("step %d loss %.6f" % (step + 1, ((model(features) - wanted) ** 2).mean().item()))
with open("outputs/parameters-%d.json" % rank, "w") as file:
    json.dump([parameter.tolist() for parameter in model.parameters()], file)
if rank == 0:
    torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict(), "step": step + 1}, "outputs/model.pt")
"""
