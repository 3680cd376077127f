"""What people write instead: the same base, and one RUN with what apt and pip install, compressed as docker does."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

SECRETS = """--mount=type=secret,id=apt_conf,target=/etc/apt/apt.conf.d/zz-site \\
    --mount=type=secret,id=apt_sources --mount=type=secret,id=pip_conf,target=/etc/pip.conf \\
    --mount=type=secret,id=ca,target=/etc/ssl/certs/ca-certificates.crt,mode=0444 \\
    --mount=type=cache,target=/var/cache/pip --mount=type=cache,target=/var/cache/ccache \\
    --mount=type=bind,target=/run/context --mount=type=bind,from=find-links,target=/run/find-links"""
DOCKERFILE = """FROM scratch AS find-links
{python}FROM base
{copy}SHELL ["/bin/bash", "-o", "pipefail", "-c"]
{environment}RUN {secrets} \\
    apt-get update && apt-get install -y --no-install-recommends $(cat /run/context/packages/build.txt /run/context/packages/runtime.txt) \\
    && {ready}{interpreter} -m venv /opt/env && cd /run/context/requirements \\
    && /opt/env/bin/pip install --no-deps --require-hashes -r installer.txt \\
    && for file in $(ls *.txt | grep -v -e installer -e horovod) $(ls horovod.txt 2>/dev/null); do \\
        /opt/env/bin/pip install --no-deps --no-build-isolation --require-hashes -r $file || exit 1; done \\
    && apt-mark manual $(cat /run/context/packages/runtime.txt) >/dev/null \\
    && apt-get purge -y --auto-remove $(grep -vxFf /run/context/packages/runtime.txt /run/context/packages/build.txt) \\
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/*.bin /var/cache/apt/archives/*.deb
ENV PATH=/opt/env/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
"""
OWN_PYTHON = "echo /opt/python/lib >/etc/ld.so.conf.d/python.conf && ldconfig && "


def dockerfile(context: Path) -> str:
    """The Dockerfile with what that directory of `images/` installs; a careful one: compilers are purged again."""
    own = "AS python" in (context / "Dockerfile").read_text("utf-8")
    pip = (
        "ENV PIP_CACHE_DIR=/var/cache/pip PIP_CERT=/etc/ssl/certs/ca-certificates.crt PIP_FIND_LINKS=/run/find-links\n"
    )
    horovod = 'ENV HOROVOD_WITH_PYTORCH=1 HOROVOD_WITHOUT_GLOO=1 LIBRARY_PATH=/opt/python/lib CC="ccache gcc" '
    horovod += 'CCACHE_DIR=/var/cache/ccache CFLAGS="-include stdexcept -include limits -w" LDFLAGS=-s\n'
    return DOCKERFILE.format(
        secrets=SECRETS,
        python="FROM scratch AS python\n" if own else "",
        copy="COPY --from=python / /opt/python\n" if own else "",
        environment=pip + (horovod if own else ""),
        ready=OWN_PYTHON if own else "",
        interpreter="/opt/python/bin/python3" if own else "python3",
    )


def written(document: Mapping[str, Any], root: Path, output: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """The file for bake with each target's Dockerfile replaced by one RUN; `output` gives each its own."""
    targets = {}
    for name, target in document["target"].items():
        contexts = {key: value for key, value in target.get("contexts", {}).items() if key != "toolchain-base"}
        targets[name] = {
            "context": target["context"],
            "contexts": contexts,
            "dockerfile-inline": dockerfile(root / target["context"]),
            "attest": target["attest"],
            "output": list(output[name]),
        }
    return {"group": document["group"], "target": targets}
