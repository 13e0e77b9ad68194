"""A certificate authority of a few days and a certificate for 127.0.0.1, made by the `openssl` command."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

from processes import StartError

_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
_DAYS = "7"
_AUTHORITY = """
[req]
distinguished_name = name
prompt = no
x509_extensions = authority
[name]
CN = loadtest authority
[authority]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
"""
_SERVER = """
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature
extendedKeyUsage = serverAuth
subjectAltName = IP:127.0.0.1
authorityKeyIdentifier = keyid
"""
# All that strict verification asks for, which is the default from Python 3.13 on.


@dataclass(frozen=True, slots=True)
class Certificates:
    """PEM files."""

    authority: Path
    """What a client has to trust."""
    server: Path
    key: Path


def make_certificates(folder: Path) -> Certificates:
    """Make them in `folder`. Raises `StartError` when there is no `openssl` or it fails."""
    authority, authority_key = folder / "authority.pem", folder / "authority.key"
    server, key, request = folder / "server.pem", folder / "server.key", folder / "server.csr"
    config, extensions = folder / "authority.cnf", folder / "server.cnf"
    config.write_text(_AUTHORITY)
    extensions.write_text(_SERVER)
    _openssl(
        "req", "-x509", *_KEY, "-config", config, "-days", _DAYS, "-keyout", authority_key, "-out", authority
    )
    _openssl("req", *_KEY, "-config", config, "-subj", "/CN=127.0.0.1", "-keyout", key, "-out", request)
    signer = ("-CA", authority, "-CAkey", authority_key, "-CAcreateserial")
    _openssl("x509", "-req", "-in", request, *signer, "-days", _DAYS, "-extfile", extensions, "-out", server)
    return Certificates(authority, server, key)


def _openssl(*arguments: str | Path) -> None:
    command = ["openssl", *map(str, arguments)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own words
    except FileNotFoundError as error:
        raise StartError("there is no openssl command; on Debian: apt-get install openssl") from error
    if done.returncode:
        raise StartError(f"openssl could not make a certificate:\n{done.stderr[-1000:]}")
