"""The enumerations of OCPP 1.6 and its security extension.

Source: OCPP 1.6 edition 2 §6 and §7; the official JSON schemas as shipped in mobilityhouse/ocpp,
`ocpp/v16/schemas`.
"""

from __future__ import annotations

from typing import Final

AUTHORIZATION_STATUS: Final = ("Accepted", "Blocked", "Expired", "Invalid", "ConcurrentTx")
REGISTRATION_STATUS: Final = ("Accepted", "Pending", "Rejected")
CHARGE_POINT_STATUS: Final = (
    *("Available", "Preparing", "Charging", "SuspendedEVSE", "SuspendedEV", "Finishing"),
    *("Reserved", "Unavailable", "Faulted"),
)
ERROR_CODE: Final = (
    *("ConnectorLockFailure", "EVCommunicationError", "GroundFailure", "HighTemperature"),
    *("InternalError", "LocalListConflict", "NoError", "OtherError", "OverCurrentFailure"),
    *("PowerMeterFailure", "PowerSwitchFailure", "ReaderFailure", "ResetFailure"),
    *("UnderVoltage", "OverVoltage", "WeakSignal"),
)
STOP_REASON: Final = (
    *("EmergencyStop", "EVDisconnected", "HardReset", "Local", "Other", "PowerLoss", "Reboot"),
    *("Remote", "SoftReset", "UnlockCommand", "DeAuthorized"),
)
DIAGNOSTICS_STATUS: Final = ("Idle", "Uploaded", "UploadFailed", "Uploading")
FIRMWARE_STATUS: Final = (
    *("Downloaded", "DownloadFailed", "Downloading", "Idle", "InstallationFailed"),
    *("Installing", "Installed"),
)
SIGNED_FIRMWARE_STATUS: Final = (
    *FIRMWARE_STATUS,
    *("DownloadScheduled", "DownloadPaused", "InstallRebooting", "InstallScheduled"),
    *("InstallVerificationFailed", "InvalidSignature", "SignatureVerified"),
)
LOG_STATUS: Final = (
    *("BadMessage", "Idle", "NotSupportedOperation", "PermissionDenied", "Uploaded"),
    *("UploadFailure", "Uploading"),
)
READING_CONTEXT: Final = (
    *("Interruption.Begin", "Interruption.End", "Sample.Clock", "Sample.Periodic"),
    *("Transaction.Begin", "Transaction.End", "Trigger", "Other"),
)
MEASURAND: Final = (
    *("Energy.Active.Export.Register", "Energy.Active.Import.Register"),
    *("Energy.Reactive.Export.Register", "Energy.Reactive.Import.Register"),
    *("Energy.Active.Export.Interval", "Energy.Active.Import.Interval"),
    *("Energy.Reactive.Export.Interval", "Energy.Reactive.Import.Interval"),
    *("Power.Active.Export", "Power.Active.Import", "Power.Offered", "Power.Factor"),
    *("Power.Reactive.Export", "Power.Reactive.Import"),
    *("Current.Export", "Current.Import", "Current.Offered"),
    *("Voltage", "Frequency", "Temperature", "SoC", "RPM"),
)
PHASE: Final = ("L1", "L2", "L3", "N", "L1-N", "L2-N", "L3-N", "L1-L2", "L2-L3", "L3-L1")
LOCATION: Final = ("Cable", "EV", "Inlet", "Outlet", "Body")
# The schemas know the misspelt Celcius beside Celsius, and Hertz only in MeterValues.
UNIT: Final = (
    *("Wh", "kWh", "varh", "kvarh", "W", "kW", "VA", "kVA", "var", "kvar", "A", "V"),
    *("K", "Celcius", "Celsius", "Fahrenheit", "Percent", "Hertz"),
)
TRIGGERS: Final = (
    *("BootNotification", "DiagnosticsStatusNotification", "FirmwareStatusNotification"),
    *("Heartbeat", "MeterValues", "StatusNotification"),
)
EXTENDED_TRIGGERS: Final = (
    *("BootNotification", "LogStatusNotification", "FirmwareStatusNotification", "Heartbeat"),
    *("MeterValues", "SignChargePointCertificate", "StatusNotification"),
)
PROFILE_PURPOSE: Final = ("ChargePointMaxProfile", "TxDefaultProfile", "TxProfile")
ACCEPTED_REJECTED: Final = ("Accepted", "Rejected")
CERTIFICATE_USE: Final = ("CentralSystemRootCertificate", "ManufacturerRootCertificate")
