"""Names that stand for rule lines."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

# Firmware V1.17.9 leaves these CALLs unanswered and drops the connection after a few errors to
# its FirmwareStatusNotification (SensorsIot/Wallbox-EVCC-Proxy: Actec_errors.md).
_ACTEC: Final = """
answer_for_charger ChangeAvailability
answer_for_charger GetConfiguration
configuration HeartbeatInterval 60
configuration LocalPreAuthorize true
configuration LocalAuthorizeOffline false
configuration LocalAuthListEnabled false
configuration AuthorizeRemoteTxRequests false
configuration SupportedFeatureProfiles Core,SmartCharging
answer_for_charger TriggerMessage
answer_for_upstream FirmwareStatusNotification
"""

PRESETS: Final[Mapping[str, str]] = {"actec": _ACTEC}
