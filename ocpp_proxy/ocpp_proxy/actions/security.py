"""What a central system sends by the security extension.

Source: "Improved security for OCPP 1.6-J" edition 2 §5; JSON schemas as shipped in
mobilityhouse/ocpp, `ocpp/v16/schemas`.
"""

from __future__ import annotations

from .choices import CERTIFICATE_USE, EXTENDED_TRIGGERS
from .fields import Action, Sender, choice, integer, obj, objects, status, text, time
from .parts import CERTIFICATE_HASH, RETRIES

SECURITY_FROM_CENTRAL_SYSTEM = (
    Action(
        "CertificateSigned", Sender.CENTRAL_SYSTEM, (text("certificateChain", 10000),), status()
    ),
    Action(
        "DeleteCertificate",
        Sender.CENTRAL_SYSTEM,
        (obj("certificateHashData", *CERTIFICATE_HASH),),
        status("Accepted", "Failed", "NotFound"),
    ),
    Action(
        "ExtendedTriggerMessage",
        Sender.CENTRAL_SYSTEM,
        (choice("requestedMessage", EXTENDED_TRIGGERS), integer("connectorId", optional=True)),
        status("Accepted", "Rejected", "NotImplemented"),
    ),
    Action(
        "GetInstalledCertificateIds",
        Sender.CENTRAL_SYSTEM,
        (choice("certificateType", CERTIFICATE_USE),),
        (
            *status("Accepted", "NotFound"),
            objects("certificateHashData", *CERTIFICATE_HASH, optional=True),
        ),
    ),
    Action(
        "GetLog",
        Sender.CENTRAL_SYSTEM,
        (
            obj(
                "log",
                text("remoteLocation", 512),
                time("oldestTimestamp", optional=True),
                time("latestTimestamp", optional=True),
            ),
            choice("logType", ("DiagnosticsLog", "SecurityLog")),
            integer("requestId"),
            *RETRIES,
        ),
        (
            *status("Accepted", "Rejected", "AcceptedCanceled"),
            text("filename", 255, optional=True),
        ),
    ),
    Action(
        "InstallCertificate",
        Sender.CENTRAL_SYSTEM,
        (choice("certificateType", CERTIFICATE_USE), text("certificate", 5500)),
        status("Accepted", "Failed", "Rejected"),
    ),
    Action(
        "SignedUpdateFirmware",
        Sender.CENTRAL_SYSTEM,
        (
            *RETRIES,
            integer("requestId"),
            obj(
                "firmware",
                text("location", 512),
                time("retrieveDateTime"),
                time("installDateTime", optional=True),
                text("signingCertificate", 5500),
                text("signature", 800),
            ),
        ),
        status(
            *("Accepted", "Rejected", "AcceptedCanceled"),
            *("InvalidCertificate", "RevokedCertificate"),
        ),
    ),
)
