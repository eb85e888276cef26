"""Each alarm in words, for the log and the page: what is wrong, and what to do where one can."""

from __future__ import annotations

SENTENCES = {
    "stop_not_confirmed": (
        "The car was told to stop five minutes ago, and current still flows. It is told again "
        "and again."
    ),
    "uncontrolled_charge": (
        "The car charges and cannot be reached, so nothing can lower its current. Stop it in "
        "the car or its app if that matters."
    ),
    "start_without_current": (
        "The car was told to start three times and draws nothing. Look at the plug, the Wall "
        "Connector and the car's screen."
    ),
    "meter_stale": (
        "The meter is silent. A solar charge goes down to the minimum, then stops, until it "
        "answers again."
    ),
    "emergency_no_progress": "The emergency charge has brought no percent in 45 minutes.",
    "fuse_no_data": "There are no grid figures for the house fuse, so the current is kept low.",
    "foreign_vehicle": "Another car hangs on the Wall Connector. It is left alone.",
    "deadline_late": "The car will not be ready by its deadline.",
    "meters_disagree": (
        "Grid, production and consumption have not fitted together for ten minutes. Look at "
        "the meter's wiring and the signs of the sensors."
    ),
    "relay_unreachable": (
        "The relay does not answer. Look whether it runs and whether relay_url is right."
    ),
    "store_unwritable": (
        "Nothing can be stored: is the disk full? Settings cannot be changed and no charge is "
        "started."
    ),
    "store_damaged": (
        "The stored settings were damaged and set aside. Control is off until you choose a mode."
    ),
    "source_refused": "A source does not let us in. What to do stands below, under Sources.",
    "unclean_restart": (
        "The app ended without warning while the car charged. It reads the car first."
    ),
    "bluetooth_adapter": (
        "The Bluetooth adapter does not work. Plug it in anew, or choose another with ble_adapter."
    ),
    "too_many_connections": (
        "Three phones or keys are connected to the car, which is all it takes. Switch "
        "Bluetooth off on one of them."
    ),
    "link_not_paired": "The car does not know our key. Pair it below, under Set-up and pairing.",
    "link_role": "Our key may not charge this car. Remove it in the car and pair it again.",
    "link_disabled": (
        "Mobile access is switched off in the car: Controls, Safety, Allow Mobile Access."
    ),
    "link_permission": "This machine does not let us use Bluetooth: the rights are missing.",
    "link_config": (
        "The way to the car is not set up right. What it answered stands below, under What "
        "happened."
    ),
}


def sentence(alarm: str) -> str:
    """What stands in the log; a code without words is its own words."""
    return SENTENCES.get(alarm, alarm.replace("_", " "))
