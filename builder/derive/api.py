"""Derives an image: reads the request, resolves it, adds one layer, verifies the image, and tags it last.

from builder.derive import Request, derive
found = derive(Request(base="1.6-gpu", pip_packages=("pandas",)))
found.reference   # derived:1.6.0-gpu-debian12-0123456789ab
"""

import functools

from builder.derive.request import Derived, Request, Surroundings


def derive(request: Request, surroundings: Surroundings | None = None, *, dry_run: bool = False) -> Derived:
    """Returns the image of the request, and makes it unless it exists. The only file it writes is the lock.

    With `dry_run` it only resolves the request. Raises InputError with every problem of the request, and VerifyError
    when a check fails; such an image gets no tag.
    """
    from builder.dependencies.lockfile import load_from
    from builder.derive import bases, read_request
    from builder.derive.derivation import Derivation
    from builder.host import engine
    from builder.host.site import preferred
    from builder.host.site_discovery import load_site
    from builder.matrix.load import load

    around = surroundings or Surroundings()
    site = functools.cache(
        lambda: load_site(around.site, insecure=around.insecure_registries, registry_seconds=around.registry_seconds)
    )
    wanted = read_request.wanted(request, site)
    matrix = load(around.matrix, preferred(around.site))
    lock = functools.cache(functools.partial(load_from, around.matrix.parent))
    with engine.connected() as client:
        base = bases.base(client, request.base, matrix, around, site=site, lock=lock)
        derivation = Derivation(
            client=client, request=request, wanted=wanted, base=base, around=around, site=site, lock=lock
        )
        return derivation.run(matrix, dry_run=dry_run)
