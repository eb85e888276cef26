"""What a charge point sends, and DataTransfer, which both send.

Source: OCPP 1.6 edition 2 §6 and §7; the official JSON schemas as shipped in mobilityhouse/ocpp,
`ocpp/v16/schemas`.
"""

from __future__ import annotations

from .choices import (
    CHARGE_POINT_STATUS,
    DIAGNOSTICS_STATUS,
    ERROR_CODE,
    FIRMWARE_STATUS,
    LOG_STATUS,
    REGISTRATION_STATUS,
    SIGNED_FIRMWARE_STATUS,
    STOP_REASON,
)
from .fields import Action, Sender, choice, integer, obj, objects, status, tag, text, time
from .parts import ID_TAG_INFO, ID_TAG_INFO_MEMBERS, METER_VALUE

FROM_CHARGER = (
    Action("Authorize", Sender.CHARGER, (tag(),), (ID_TAG_INFO,)),
    Action(
        "BootNotification",
        Sender.CHARGER,
        (
            text("chargePointVendor", 20),
            text("chargePointModel", 20),
            text("chargePointSerialNumber", 25, optional=True),
            text("chargeBoxSerialNumber", 25, optional=True),
            text("firmwareVersion", 50, optional=True),
            text("iccid", 20, optional=True),
            text("imsi", 20, optional=True),
            text("meterType", 25, optional=True),
            text("meterSerialNumber", 25, optional=True),
        ),
        (choice("status", REGISTRATION_STATUS), time("currentTime"), integer("interval")),
    ),
    Action("DiagnosticsStatusNotification", Sender.CHARGER, status(*DIAGNOSTICS_STATUS)),
    Action("FirmwareStatusNotification", Sender.CHARGER, status(*FIRMWARE_STATUS)),
    Action("Heartbeat", Sender.CHARGER, (), (time("currentTime"),)),
    Action(
        "MeterValues",
        Sender.CHARGER,
        (
            integer("connectorId"),
            integer("transactionId", optional=True),
            objects("meterValue", *METER_VALUE),
        ),
    ),
    Action(
        "StartTransaction",
        Sender.CHARGER,
        (
            integer("connectorId"),
            tag(),
            integer("meterStart"),
            integer("reservationId", optional=True),
            time(),
        ),
        (ID_TAG_INFO, integer("transactionId")),
    ),
    Action(
        "StatusNotification",
        Sender.CHARGER,
        (
            integer("connectorId"),
            choice("errorCode", ERROR_CODE),
            text("info", 50, optional=True),
            choice("status", CHARGE_POINT_STATUS),
            time(optional=True),
            text("vendorId", 255, optional=True),
            text("vendorErrorCode", 50, optional=True),
        ),
    ),
    Action(
        "StopTransaction",
        Sender.CHARGER,
        (
            integer("transactionId"),
            tag(optional=True),
            integer("meterStop"),
            time(),
            choice("reason", STOP_REASON, optional=True),
            objects("transactionData", *METER_VALUE, optional=True),
        ),
        (obj("idTagInfo", *ID_TAG_INFO_MEMBERS, optional=True),),
    ),
    Action(
        "LogStatusNotification",
        Sender.CHARGER,
        (choice("status", LOG_STATUS), integer("requestId", optional=True)),
    ),
    Action(
        "SecurityEventNotification",
        Sender.CHARGER,
        (text("type", 50), time(), text("techInfo", 255, optional=True)),
    ),
    Action("SignCertificate", Sender.CHARGER, (text("csr", 5500),), status()),
    Action(
        "SignedFirmwareStatusNotification",
        Sender.CHARGER,
        (choice("status", SIGNED_FIRMWARE_STATUS), integer("requestId", optional=True)),
    ),
)

FROM_BOTH = (
    Action(
        "DataTransfer",
        Sender.BOTH,
        (
            text("vendorId", 255),
            text("messageId", 50, optional=True),
            text("data", optional=True),
        ),
        (
            choice("status", ("Accepted", "Rejected", "UnknownMessageId", "UnknownVendorId")),
            text("data", optional=True),
        ),
    ),
)
