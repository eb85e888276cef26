"""Groups of fields that several actions share.

Source: OCPP 1.6 edition 2 §6 and §7; the official JSON schemas as shipped in mobilityhouse/ocpp,
`ocpp/v16/schemas`.
"""

from __future__ import annotations

from .choices import (
    AUTHORIZATION_STATUS,
    LOCATION,
    MEASURAND,
    PHASE,
    PROFILE_PURPOSE,
    READING_CONTEXT,
    UNIT,
)
from .fields import choice, integer, number, obj, objects, tag, text, time

ID_TAG_INFO_MEMBERS = (
    time("expiryDate", optional=True),
    tag("parentIdTag", optional=True),
    choice("status", AUTHORIZATION_STATUS),
)
ID_TAG_INFO = obj("idTagInfo", *ID_TAG_INFO_MEMBERS)
SAMPLED_VALUE = objects(
    "sampledValue",
    text("value"),
    choice("context", READING_CONTEXT, optional=True),
    choice("format", ("Raw", "SignedData"), optional=True),
    choice("measurand", MEASURAND, optional=True),
    choice("phase", PHASE, optional=True),
    choice("location", LOCATION, optional=True),
    choice("unit", UNIT, optional=True),
)
METER_VALUE = (time(), SAMPLED_VALUE)
SCHEDULE = (
    integer("duration", optional=True),
    time("startSchedule", optional=True),
    choice("chargingRateUnit", ("A", "W")),
    objects(
        "chargingSchedulePeriod",
        integer("startPeriod"),
        number("limit"),
        integer("numberPhases", optional=True),
    ),
    number("minChargingRate", optional=True),
)
PROFILE = (
    integer("chargingProfileId"),
    integer("transactionId", optional=True),
    integer("stackLevel"),
    choice("chargingProfilePurpose", PROFILE_PURPOSE),
    choice("chargingProfileKind", ("Absolute", "Recurring", "Relative")),
    choice("recurrencyKind", ("Daily", "Weekly"), optional=True),
    time("validFrom", optional=True),
    time("validTo", optional=True),
    obj("chargingSchedule", *SCHEDULE),
)
CERTIFICATE_HASH = (
    choice("hashAlgorithm", ("SHA256", "SHA384", "SHA512")),
    text("issuerNameHash", 128),
    text("issuerKeyHash", 128),
    text("serialNumber", 40),
)
RETRIES = (integer("retries", optional=True), integer("retryInterval", optional=True))
