"""Who calls. In an installation the identity provider issues a token to each officer who signs in; this file stands in
for it with the signing key of a development system. Do not copy it."""

import base64
import functools
import json
import os
import time

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils


@functools.lru_cache(maxsize=None)
def sign_in(agency: str, role: str) -> str:
    """The token of an agency's officer who has one role; named as in deploy/reference/officers.yaml."""
    claims = {
        "iss": "motcua",
        "aud": "motcua",
        "sub": f"{agency}-{role}",
        "kind": "officer",
        "agency": agency,
        "roles": [role],
        "exp": int(time.time()) + 3600,
    }
    header = {"alg": "ES256", "typ": "JWT", "kid": os.environ["MOTCUA_SIGNING_KID"]}
    text = _base64url(json.dumps(header).encode()) + "." + _base64url(json.dumps(claims).encode())
    with open(os.environ["MOTCUA_SIGNING_KEY"], "rb") as file:
        key = serialization.load_pem_private_key(file.read(), password=None)
    r, s = utils.decode_dss_signature(key.sign(text.encode(), ec.ECDSA(hashes.SHA256())))
    return text + "." + _base64url(r.to_bytes(32, "big") + s.to_bytes(32, "big"))


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
