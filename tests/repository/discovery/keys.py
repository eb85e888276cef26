"""What an MQTT discovery component may and must hold, per platform.

Facts: home-assistant/core 2026.11.0, homeassistant/components/mqtt/<platform>.py, schemas.py and
config.py; the platforms our apps use.
"""

from __future__ import annotations

from dataclasses import dataclass


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


COMMON = _words(
    "platform unique_id name default_entity_id availability availability_mode "
    "availability_template availability_topic payload_available payload_not_available "
    "device entity_picture origin enabled_by_default entity_category icon "
    "json_attributes_topic json_attributes_template message_expiry_interval visible_by_default "
    "qos encoding ~"
)
AVAILABILITY = _words(
    "availability availability_mode availability_template availability_topic "
    "payload_available payload_not_available"
)
SHARED = AVAILABILITY | _words("state_topic command_topic encoding qos message_expiry_interval")
"""Keys of the whole device that every component takes over unless it has its own."""

TOP = SHARED | {"device", "origin", "components"}
DEVICE = _words(
    "identifiers connections manufacturer model model_id name hw_version serial_number sw_version "
    "via_device suggested_area configuration_url"
)
ORIGIN = _words("name sw_version support_url")

_READ = _words("state_topic value_template")
_WRITE = _words("command_topic optimistic retain state_topic")


@dataclass(frozen=True)
class Platform:
    """Keys beside the common ones, those it cannot do without, and its device classes."""

    keys: frozenset[str]
    required: frozenset[str] = frozenset()
    classes: frozenset[str] = frozenset()


PLATFORMS: dict[str, Platform] = {
    "sensor": Platform(
        _READ
        | _words(
            "device_class expire_after force_update last_reset_value_template options "
            "suggested_display_precision state_class unit_of_measurement"
        ),
        required=_words("state_topic"),
    ),
    "binary_sensor": Platform(
        _READ | _words("device_class expire_after force_update off_delay payload_off payload_on"),
        required=_words("state_topic"),
        classes=_words(
            "battery battery_charging carbon_monoxide cold connectivity door garage_door gas "
            "glass_break heat light lock moisture motion moving occupancy opening plug power "
            "presence problem running safety smoke sound tamper update vibration window"
        ),
    ),
    "switch": Platform(
        _WRITE
        | _words(
            "command_template payload_off payload_on state_off state_on value_template device_class"
        ),
        required=_words("command_topic"),
        classes=_words("outlet switch"),
    ),
    "button": Platform(
        _words("command_template command_topic device_class payload_press retain"),
        required=_words("command_topic"),
        classes=_words("identify restart update"),
    ),
    "number": Platform(
        _WRITE
        | _words(
            "command_template device_class max min mode payload_reset step unit_of_measurement "
            "value_template"
        ),
        required=_words("command_topic"),
    ),
    "select": Platform(
        _WRITE | _words("command_template options value_template"),
        required=_words("command_topic options"),
    ),
    "text": Platform(
        _WRITE | _words("command_template max min mode pattern value_template"),
        required=_words("command_topic"),
    ),
    "device_tracker": Platform(
        _words(
            "state_topic value_template payload_home payload_not_home payload_reset source_type"
        ),
    ),
    "lock": Platform(
        _WRITE
        | _words(
            "code_format command_template payload_lock payload_unlock payload_open payload_reset "
            "state_jammed state_locked state_locking state_open state_opening state_unlocked "
            "state_unlocking value_template"
        ),
        required=_words("command_topic"),
    ),
    "climate": Platform(
        _words(
            "current_humidity_template current_humidity_topic current_temperature_template "
            "current_temperature_topic fan_mode_command_template fan_mode_command_topic fan_modes "
            "fan_mode_state_template fan_mode_state_topic target_humidity_command_template "
            "target_humidity_command_topic min_humidity max_humidity "
            "target_humidity_state_template target_humidity_state_topic mode_command_template "
            "mode_command_topic modes mode_state_template mode_state_topic optimistic payload_on "
            "payload_off power_command_topic power_command_template precision retain "
            "action_template action_topic preset_mode_command_topic preset_modes "
            "preset_mode_command_template preset_mode_state_topic preset_mode_value_template "
            "swing_horizontal_mode_command_template swing_horizontal_mode_command_topic "
            "swing_horizontal_modes swing_horizontal_mode_state_template "
            "swing_horizontal_mode_state_topic swing_mode_command_template "
            "swing_mode_command_topic swing_modes swing_mode_state_template "
            "swing_mode_state_topic initial min_temp max_temp temp_step "
            "temperature_command_template temperature_command_topic "
            "temperature_high_command_template temperature_high_command_topic "
            "temperature_high_state_topic temperature_high_state_template "
            "temperature_low_command_template temperature_low_command_topic "
            "temperature_low_state_template temperature_low_state_topic "
            "temperature_state_template temperature_state_topic temperature_unit value_template"
        ),
    ),
    "event": Platform(
        _READ | _words("device_class event_types"),
        required=_words("state_topic event_types"),
        classes=_words("button doorbell motion"),
    ),
    "update": Platform(
        _READ
        | _words(
            "command_topic device_class display_precision latest_version_template "
            "latest_version_topic payload_install release_summary release_url retain title"
        ),
        required=_words("state_topic"),
        classes=_words("firmware"),
    ),
}

RECENT_PLATFORMS = _words("date datetime time infrared")
"""Platforms only the newest Cores know: an older one drops the component."""

FLAGS = _words("enabled_by_default visible_by_default force_update optimistic retain")
WHOLE_NUMBERS = _words(
    "expire_after off_delay suggested_display_precision display_precision message_expiry_interval"
)
LISTS = _words(
    "options event_types modes fan_modes preset_modes swing_modes swing_horizontal_modes"
)

SHORT_NAMES: dict[str, str] = {
    "p": "platform", "uniq_id": "unique_id", "def_ent_id": "default_entity_id",
    "dev_cla": "device_class", "stat_cla": "state_class", "unit_of_meas": "unit_of_measurement",
    "ent_cat": "entity_category", "ic": "icon", "en": "enabled_by_default", "exp_aft":
    "expire_after", "frc_upd": "force_update", "sug_dsp_prc": "suggested_display_precision",
    "off_dly": "off_delay", "src_type": "source_type", "evt_typ": "event_types", "t": "topic",
    "e": "encoding", "l_ver_t": "latest_version_topic", "stat_t": "state_topic", "cmd_t":
    "command_topic", "val_tpl": "value_template", "cmd_tpl": "command_template", "json_attr_t":
    "json_attributes_topic", "json_attr_tpl": "json_attributes_template", "avty": "availability",
    "avty_t": "availability_topic", "avty_mode": "availability_mode", "avty_tpl":
    "availability_template", "pl_avail": "payload_available", "pl_not_avail":
    "payload_not_available", "pl_on": "payload_on", "pl_off": "payload_off", "stat_on":
    "state_on", "stat_off": "state_off", "pl_prs": "payload_press", "ops": "options", "opt":
    "optimistic", "ret": "retain", "pl_home": "payload_home", "pl_not_home": "payload_not_home",
    "pl_rst": "payload_reset", "pl_lock": "payload_lock", "pl_unlk": "payload_unlock", "o":
    "origin", "dev": "device", "cmps": "components", "cdevs": "child_devices", "ids":
    "identifiers", "cns": "connections", "mf": "manufacturer", "mdl": "model", "mdl_id":
    "model_id", "sw": "sw_version", "hw": "hw_version", "sn": "serial_number", "sa":
    "suggested_area", "cu": "configuration_url", "url": "support_url",
}  # fmt: skip
"""Abbreviations Core understands; our code writes the full names, since they are sent once."""

GONE: dict[str, str] = {
    "object_id": "is dead since Core 2026.4: write default_entity_id with the domain",
    "obj_id": "is dead since Core 2026.4: write default_entity_id with the domain",
    "via_hub": "is dead: write via_device",
    "child_devices": "is unknown to Cores before 2026: write components only",
    "migrate_discovery": "stands alone in a payload of its own",
    "battery_level": "is deprecated: send a battery sensor",
}
