"""What a central system sends.

Source: OCPP 1.6 edition 2 §6 and §7; the official JSON schemas as shipped in mobilityhouse/ocpp,
`ocpp/v16/schemas`.
"""

from __future__ import annotations

from .choices import PROFILE_PURPOSE, TRIGGERS
from .fields import (
    Action,
    Field,
    Kind,
    Sender,
    choice,
    integer,
    obj,
    objects,
    status,
    tag,
    text,
    time,
    uri,
)
from .parts import ID_TAG_INFO_MEMBERS, PROFILE, RETRIES, SCHEDULE

FROM_CENTRAL_SYSTEM = (
    Action("CancelReservation", Sender.CENTRAL_SYSTEM, (integer("reservationId"),), status()),
    Action(
        "ChangeAvailability",
        Sender.CENTRAL_SYSTEM,
        (integer("connectorId"), choice("type", ("Inoperative", "Operative"))),
        status("Accepted", "Rejected", "Scheduled"),
    ),
    Action(
        "ChangeConfiguration",
        Sender.CENTRAL_SYSTEM,
        (text("key", 50), text("value", 500)),
        status("Accepted", "Rejected", "RebootRequired", "NotSupported"),
    ),
    Action("ClearCache", Sender.CENTRAL_SYSTEM, (), status()),
    Action(
        "ClearChargingProfile",
        Sender.CENTRAL_SYSTEM,
        (
            integer("id", optional=True),
            integer("connectorId", optional=True),
            choice("chargingProfilePurpose", PROFILE_PURPOSE, optional=True),
            integer("stackLevel", optional=True),
        ),
        status("Accepted", "Unknown"),
    ),
    Action(
        "GetCompositeSchedule",
        Sender.CENTRAL_SYSTEM,
        (
            integer("connectorId"),
            integer("duration"),
            choice("chargingRateUnit", ("A", "W"), optional=True),
        ),
        (
            *status(),
            integer("connectorId", optional=True),
            time("scheduleStart", optional=True),
            obj("chargingSchedule", *SCHEDULE, optional=True),
        ),
    ),
    Action(
        "GetConfiguration",
        Sender.CENTRAL_SYSTEM,
        (Field("key", Kind.STRINGS, optional=True, longest=50),),
        (
            objects(
                "configurationKey",
                text("key", 50),
                Field("readonly", Kind.BOOLEAN),
                text("value", 500, optional=True),
                optional=True,
            ),
            Field("unknownKey", Kind.STRINGS, optional=True, longest=50),
        ),
    ),
    Action(
        "GetDiagnostics",
        Sender.CENTRAL_SYSTEM,
        (
            uri("location"),
            *RETRIES,
            time("startTime", optional=True),
            time("stopTime", optional=True),
        ),
        (text("fileName", 255, optional=True),),
    ),
    Action("GetLocalListVersion", Sender.CENTRAL_SYSTEM, (), (integer("listVersion"),)),
    Action(
        "RemoteStartTransaction",
        Sender.CENTRAL_SYSTEM,
        (
            integer("connectorId", optional=True),
            tag(),
            obj("chargingProfile", *PROFILE, optional=True),
        ),
        status(),
    ),
    Action("RemoteStopTransaction", Sender.CENTRAL_SYSTEM, (integer("transactionId"),), status()),
    Action(
        "ReserveNow",
        Sender.CENTRAL_SYSTEM,
        (
            integer("connectorId"),
            time("expiryDate"),
            tag(),
            tag("parentIdTag", optional=True),
            integer("reservationId"),
        ),
        status("Accepted", "Faulted", "Occupied", "Rejected", "Unavailable"),
    ),
    Action("Reset", Sender.CENTRAL_SYSTEM, (choice("type", ("Hard", "Soft")),), status()),
    Action(
        "SendLocalList",
        Sender.CENTRAL_SYSTEM,
        (
            integer("listVersion"),
            objects(
                "localAuthorizationList",
                tag(),
                obj("idTagInfo", *ID_TAG_INFO_MEMBERS, optional=True),
                optional=True,
            ),
            choice("updateType", ("Differential", "Full")),
        ),
        status("Accepted", "Failed", "NotSupported", "VersionMismatch"),
    ),
    Action(
        "SetChargingProfile",
        Sender.CENTRAL_SYSTEM,
        (integer("connectorId"), obj("csChargingProfiles", *PROFILE)),
        status("Accepted", "Rejected", "NotSupported"),
    ),
    Action(
        "TriggerMessage",
        Sender.CENTRAL_SYSTEM,
        (choice("requestedMessage", TRIGGERS), integer("connectorId", optional=True)),
        status("Accepted", "Rejected", "NotImplemented"),
    ),
    Action(
        "UnlockConnector",
        Sender.CENTRAL_SYSTEM,
        (integer("connectorId"),),
        status("Unlocked", "UnlockFailed", "NotSupported"),
    ),
    Action(
        "UpdateFirmware",
        Sender.CENTRAL_SYSTEM,
        (uri("location"), *RETRIES, time("retrieveDate")),
    ),
)
