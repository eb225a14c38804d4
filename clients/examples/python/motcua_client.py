"""What every client of Motcua needs once: channels, deadlines, who asks, request ids, and reading an error."""

import json
import os
import uuid

import grpc
from google.rpc import error_details_pb2, status_pb2

# UNAVAILABLE is for the channel: the service is away for a moment, or has not yet heard of what another one did. The
# same message goes out again, with the same request_id, so nothing is done twice. ABORTED is not for the channel:
# somebody else was first; look again and decide again (see finish() in example.py).
SERVICE_CONFIG = {
    "methodConfig": [
        {
            "name": [{}],  # every method
            "waitForReady": True,
            "retryPolicy": {
                "maxAttempts": 5,
                "initialBackoff": "0.2s",
                "maxBackoff": "2s",
                "backoffMultiplier": 2,
                "retryableStatusCodes": ["UNAVAILABLE"],
            },
        }
    ]
}

# How long a call may take, its retries included.
DEADLINE_SECONDS = 15


def channel(variable: str) -> grpc.Channel:
    """A channel to the service whose host:port the environment variable holds. One for the whole process is enough."""
    address = os.environ[variable]
    options = [("grpc.service_config", json.dumps(SERVICE_CONFIG))]
    authority = os.environ.get("MOTCUA_TLS_CA")
    if not authority:
        return grpc.insecure_channel(address, options=options)
    key, certificate = os.environ.get("MOTCUA_TLS_KEY"), os.environ.get("MOTCUA_TLS_CERT")
    credentials = grpc.ssl_channel_credentials(
        root_certificates=_read(authority),
        private_key=_read(key) if key else None,
        certificate_chain=_read(certificate) if certificate else None,
    )
    return grpc.secure_channel(address, credentials, options=options)


def call(method, request, token: str):
    """One call: with a deadline, in the name of whom the token was issued to."""
    return method(request, timeout=DEADLINE_SECONDS, metadata=metadata(token))


def metadata(token: str):
    return [("authorization", "Bearer " + token)]


def new_request_id() -> str:
    """Made once for an action of the user, before the first attempt; every further attempt carries the same."""
    return str(uuid.uuid4())


class Refusal:
    """What an error says to programs and to people."""

    def __init__(self, error: grpc.RpcError):
        self.code: grpc.StatusCode = error.code()
        self.text: str = error.details()  # English, for the log
        self.reason = ""  # machine reason: a value of motcua.common.v1.Reason
        self.metadata: dict[str, str] = {}
        self.message = ""  # Vietnamese, for the user
        self.violations: list = []  # google.rpc.BadRequest.FieldViolation, all at once, each with reason and Vietnamese text
        self.retry_after: float | None = None
        for key, value in error.trailing_metadata() or ():
            if key == "grpc-status-details-bin":
                self._read_details(status_pb2.Status.FromString(value))

    def _read_details(self, status: status_pb2.Status) -> None:
        info = error_details_pb2.ErrorInfo()
        bad = error_details_pb2.BadRequest()
        localized = error_details_pb2.LocalizedMessage()
        retry = error_details_pb2.RetryInfo()
        for detail in status.details:
            if detail.Unpack(info):
                self.reason, self.metadata = info.reason, dict(info.metadata)
            elif detail.Unpack(bad):
                self.violations = list(bad.field_violations)
            elif detail.Unpack(localized):
                self.message = localized.message
            elif detail.Unpack(retry):
                self.retry_after = retry.retry_delay.ToTimedelta().total_seconds()


def _read(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()
