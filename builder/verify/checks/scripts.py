"""Scripts that run inside an image: for Python 3.6 and torch 1.0 as well as for the newest; never copied into it."""

# torch is imported once for all parts. Each part prints its name and its result as a line: when one part crashes the
# process (torchvision's operators of another build do), the answers of the earlier ones stand.
TORCH_PARTS = """
import datetime, json, os, sys, tempfile, traceback
os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")
import torch

def gloo():
    return allreduce("gloo", torch.device("cpu"))

def nccl():
    return allreduce("nccl", None)

def allreduce(backend, device):
    # The second process is a fork of this one: before torch has started a thread, so this part comes first.
    import torch.distributed as distributed
    meeting = "file://" + os.path.join(tempfile.mkdtemp(), "rendezvous")
    child = os.fork()
    rank, total = (0 if child else 1), None
    try:
        device = device or torch.device("cuda", rank)
        distributed.init_process_group(
            backend, init_method=meeting, rank=rank, world_size=2, timeout=datetime.timedelta(seconds=30))
        value = torch.tensor([rank + 1.0], device=device)
        distributed.all_reduce(value)
        total = value.item()
        distributed.destroy_process_group()
    finally:
        if not child:
            os._exit(0 if total == 3.0 else 1)
    return [total, os.waitpid(child, 0)[1]]

def product():
    left, right = torch.tensor([[1.0, 2.0], [3.0, 4.0]]), torch.tensor([[5.0, 6.0], [7.0, 8.0]])
    return left.mm(right).tolist()

def nms():
    from torchvision.ops import nms
    boxes = torch.tensor([[0.0, 0.0, 10.0, 10.0], [1.0, 1.0, 10.0, 10.0], [20.0, 20.0, 30.0, 30.0]])
    return nms(boxes, torch.tensor([0.9, 0.8, 0.7]), 0.5).tolist()

def tensorboard():
    from torch.utils.tensorboard import SummaryWriter
    with tempfile.TemporaryDirectory() as directory:
        writer = SummaryWriter(directory)
        writer.add_scalar("loss", 0.5, 1)
        writer.close()
        return [os.path.getsize(os.path.join(directory, name)) for name in os.listdir(directory)]

def gpus():
    return torch.cuda.device_count()

def cuda():
    if not torch.cuda.is_available():
        raise RuntimeError("torch.cuda.is_available() is False beside a GPU")
    left = torch.ones(64, 64, device="cuda")
    return left.mm(left).sum().item()

FOUND = {}
for name in PARTS:
    try:
        answer = {"result": globals()[name]()}
    except Exception as error:
        traceback.print_exc()
        answer = {"error": "%s: %s" % (type(error).__name__, error)}
    FOUND[name] = answer
    print("PART " + json.dumps([name, answer]))
    sys.stdout.flush()
"""

# The default is the average, in every release of Horovod: (1 + 2) / 2.
HOROVOD = """
import torch
import horovod.torch as hvd
hvd.init()
average = hvd.allreduce(torch.tensor([float(hvd.rank() + 1)]))
print("rank %d of %d: %.1f" % (hvd.rank(), hvd.size(), average.item()))
assert average.item() == 1.5, average
hvd.shutdown()
"""

# No mpi4py in the images: the library itself, by its C symbols (mpi.h of Open MPI 1.7 to 5).
MPI_SUM = """
import ctypes, ctypes.util, glob
names = ["libmpi.so.40", "libmpi.so"] + sorted(glob.glob("/opt/*/lib/libmpi.so*"))
for name in names:
    try:
        mpi = ctypes.CDLL(name, ctypes.RTLD_GLOBAL)
        break
    except OSError:
        continue
else:
    raise OSError("libmpi.so is not there: " + ", ".join(names))
def handle(name):
    return ctypes.byref(ctypes.c_char.in_dll(mpi, name))
world, rank, size = handle("ompi_mpi_comm_world"), ctypes.c_int(), ctypes.c_int()
assert mpi.MPI_Init(None, None) == 0
mpi.MPI_Comm_rank(world, ctypes.byref(rank))
mpi.MPI_Comm_size(world, ctypes.byref(size))
mine, total = ctypes.c_double(rank.value + 1.0), ctypes.c_double()
kind, add = handle("ompi_mpi_double"), handle("ompi_mpi_op_sum")
code = mpi.MPI_Allreduce(ctypes.byref(mine), ctypes.byref(total), 1, kind, add, world)
print("rank %d of %d: %.1f" % (rank.value, size.value, total.value))
assert code == 0 and total.value == 3.0, (code, total.value)
mpi.MPI_Finalize()
"""

# The container has no network, so only the loopback device is used. Nor may it read another process's memory, so
# vader copies shared memory twice: its single copy needs ptrace. Two processes run on however few cores there are.
MPIRUN = (
    "OMP_NUM_THREADS=1 timeout 100 mpirun -np 2 --oversubscribe --bind-to none --mca btl self,vader"
    " --mca btl_vader_single_copy_mechanism none --mca oob_tcp_if_include lo --mca plm_rsh_agent false"
)
