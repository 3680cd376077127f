"""A certificate for an address, which only those trust who are given it, and the bundle that adds it to a host's."""

import datetime as dt
import ipaddress
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

SYSTEM = Path("/etc/ssl/certs/ca-certificates.crt")


def make(directory: Path, address: str, bundle: Path | None) -> Path:
    """Write ca.pem, key.pem, and bundle.pem with the host's certificates before it; returns ca.pem, made once."""
    if not (directory / "bundle.pem").exists():
        directory.mkdir(parents=True, exist_ok=True)
        key, now = rsa.generate_private_key(65537, 3072), dt.datetime.now(dt.UTC)
        who = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a rehearsal")])
        made = (
            x509.CertificateBuilder()
            .subject_name(who)
            .issuer_name(who)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(days=1))
            .not_valid_after(now + dt.timedelta(days=3650))
            .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))]), critical=False)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .sign(key, hashes.SHA256())
        )
        pem = made.public_bytes(serialization.Encoding.PEM)
        no_password = serialization.NoEncryption()
        private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, no_password)
        (directory / "key.pem").write_bytes(private)
        (directory / "ca.pem").write_bytes(pem)
        (directory / "bundle.pem").write_bytes((bundle or SYSTEM).read_bytes() + pem)
    return directory / "ca.pem"
