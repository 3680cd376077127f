"""What a person is told about a build that failed: each line as apt 1.2, gpg, conda 4.5.11 or ln said it."""

import pytest

from builder.build.buildx_run import cause_of


@pytest.mark.parametrize(
    ("said", "hint"),
    [
        (
            "libnccl-dev : Depends: libnccl2 (= 2.4.8) but 2.8.3 is to be installed\nE: you have held broken packages.",
            "pin that one too",
        ),
        ("The following packages have unmet dependencies:", "python -m builder validate"),
        ("E: Failed to fetch http://a.example/x.deb  404  Not Found", "build again"),
        ("W: Failed to fetch http://a.example/x  Could not resolve 'a.example'", "python -m builder doctor"),
        (
            "SSLError(SSLCertVerificationError(1, '[SSL: CERTIFICATE_VERIFY_FAILED]'))\nERROR: No matching distribution found for torch",
            "ca-bundle in site.yaml",
        ),
        (
            "Err https://a.example Release\n  server certificate verification failed. CAfile: /x",
            "ca-bundle in site.yaml",
        ),
        ("/opt/env/compiler_compat/ld: cannot find -lpthread\ncollect2: error: ld returned 1 exit status", "LDSHARED"),
        ("/opt/env/compiler_compat/ld: build/x.o: unrecognized relocation (0x2a) in section `.text'", "LDSHARED"),
        ("/bin/sh: 1: apt-get: not found", "include: [apt, ca-certificates]"),
        ("bash: apt-get: command not found", "include: [apt, ca-certificates]"),
        ("E: The method driver /usr/lib/apt/methods/https could not be found.", "apt-transport-https"),
        ("0a1\n> EB693B3035CD5710E231E123A4B469963BF863CC", "compare its fingerprint"),
        ("ln: target '/usr/local/cuda' is not a directory", "a second release of CUDA"),
        ("CondaHTTPError: HTTP 404 NOT FOUND for url <http://a.example/x.tar.bz2>", "wheelhouse: DIR"),
    ],
)
def test_a_failed_step_has_its_own_hint(said: str, hint: str) -> None:
    assert hint in (cause_of(said) or "")


def test_what_nobody_knows_has_none() -> None:
    assert cause_of("make: *** [all] Error 2") is None
