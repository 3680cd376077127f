"""What a base of ours holds where a layer may write."""

from builder.derive.base_files import BaseFiles

LIBRARY = "/opt/env/lib/python3.11"
SITE_PACKAGES = f"{LIBRARY}/site-packages"
OWNERS = {
    f"{SITE_PACKAGES}/torch/__init__.py": "torch",
    f"{SITE_PACKAGES}/torch/version.py": "torch",
    f"{SITE_PACKAGES}/torch/_C.cpython-311-x86_64-linux-gnu.so": "torch",
    f"{SITE_PACKAGES}/torch-2.13.0.dist-info/METADATA": "torch",
    f"{SITE_PACKAGES}/six.py": "six",
    f"{SITE_PACKAGES}/pip/__init__.py": "pip",
    f"{SITE_PACKAGES}/nvidia/nccl/lib/libnccl.so.2": "nvidia-nccl",
    f"{SITE_PACKAGES}/shared/__init__.py": "first",
    f"{SITE_PACKAGES}/distutils-precedence.pth": "setuptools",
    "/opt/env/bin/torchrun": "torch",
}
OTHERS = (
    "/opt/env/pyvenv.cfg",
    "/opt/env/bin/python",
    "/opt/env/lib64",
    f"{SITE_PACKAGES}/__pycache__/six.cpython-311.pyc",
)

BASE = BaseFiles(
    files=frozenset({*OWNERS, *OTHERS}),
    empty=frozenset({f"{SITE_PACKAGES}/shared/__init__.py"}),
    owners=OWNERS,
    imported=(
        ("/usr/lib/python311.zip", frozenset()),
        ("/usr/lib/python3.11", frozenset({"json", "os.py"})),
        (SITE_PACKAGES, frozenset({"torch", "six.py"})),
        ("/usr/lib/python3/dist-packages", frozenset({"apt", "gi.py"})),
    ),
    programs=(
        ("/opt/mpi/bin", frozenset({"mpirun"})),
        ("/opt/env/bin", frozenset({"python", "torchrun"})),
        ("/usr/bin", frozenset({"git", "sh"})),
    ),
)
