"""Rules that answer or refuse in the place of one side."""

from __future__ import annotations

import json

import pytest
from ocpp_proxy.actions import ACTIONS, Sender
from ocpp_proxy.testing.wire import schema_faults

from tests.ocpp_proxy.relaying import call, meter_values, result
from tests.ocpp_proxy.ruling import RuledBench

COMMANDS = [name for name, action in ACTIONS.items() if action.sender is not Sender.CHARGER]
COMMANDS.remove("TriggerMessage")  # has tests of its own
BOOT = {"chargePointVendor": "V", "chargePointModel": "M"}
ASK_BOOT = {"requestedMessage": "BootNotification"}


@pytest.mark.parametrize("action", COMMANDS)
def test_each_command_can_be_answered_for_the_charger_with_an_answer_the_standard_knows(
    action: str,
) -> None:
    bench = RuledBench(f"answer_for_charger {action}")
    bench.upstream(call("u", action))
    [[kind, message_id, payload]] = bench.take_upstream()
    assert (kind, message_id) == (3, "u")
    assert schema_faults(3, action, payload) == []
    assert bench.take_charger() == []
    assert f"{action}: rule answer_for_charger" in bench.logged()


def test_get_configuration_is_filtered_by_what_is_asked_for() -> None:
    bench = RuledBench("answer_for_charger GetConfiguration; configuration A 1; configuration B 2")
    bench.upstream(call("u", "GetConfiguration", {"key": ["b", "C"]}))
    bench.upstream(call("v", "GetConfiguration", {"key": []}))
    bench.upstream(call("w", "GetConfiguration", {"key": ["C"]}))
    some, every, none = (message[2] for message in bench.take_upstream())
    assert some["configurationKey"] == [{"key": "B", "readonly": True, "value": "2"}]
    assert some["unknownKey"] == ["C"]
    assert [each["key"] for each in every["configurationKey"]] == ["A", "B"]
    assert "unknownKey" not in every
    assert none == {"configurationKey": [], "unknownKey": ["C"]}


def test_a_triggered_boot_is_the_cached_one_and_its_answer_stays_here() -> None:
    bench = RuledBench("answer_for_charger TriggerMessage")
    bench.up(call("b", "BootNotification", BOOT))
    bench.down(result("b", {"status": "Accepted"}))
    bench.upstream(call("u", "TriggerMessage", ASK_BOOT))
    accepted, boot = bench.take_upstream()
    assert accepted == [3, "u", {"status": "Accepted"}]
    assert boot[2:] == ["BootNotification", BOOT]
    assert bench.down(result(boot[1], {"status": "Accepted"})) is None


def test_a_triggered_boot_that_was_never_seen_is_rejected_and_other_triggers_pass() -> None:
    bench = RuledBench("answer_for_charger TriggerMessage")
    bench.upstream(call("u", "TriggerMessage", ASK_BOOT))
    assert bench.take_upstream() == [[3, "u", {"status": "Rejected"}]]
    assert bench.down(call("v", "TriggerMessage", {"requestedMessage": "Heartbeat"}))


def test_the_boot_waits_for_an_open_call_of_the_charger_and_the_next_one_for_the_boot() -> None:
    bench = RuledBench("answer_for_charger TriggerMessage")
    bench.up(call("b", "BootNotification", BOOT))
    bench.down(result("b", {"status": "Accepted"}))
    bench.charger(call("a", "Authorize", {"idTag": "A"}))
    bench.upstream(call("u", "TriggerMessage", ASK_BOOT))
    assert [m[:2] for m in bench.take_upstream()] == [[2, "a"], [3, "u"]]
    bench.upstream(result("a", {}))
    [boot] = bench.take_upstream()
    assert bench.up(call("h", "Heartbeat")) is None
    bench.upstream(result(boot[1], {"status": "Accepted"}))
    assert [m[1] for m in bench.take_upstream()] == ["h"]


def test_a_silent_charger_is_answered_for_after_the_given_time_and_then_heard_no_more() -> None:
    bench = RuledBench("answer_for_charger ChangeAvailability 5")
    assert bench.down(call("u", "ChangeAvailability", {"connectorId": 0, "type": "Operative"}))
    bench.wait(4.9)
    assert bench.take_upstream() == []
    bench.wait(0.2)
    assert bench.take_upstream() == [[3, "u", {"status": "Accepted"}]]
    assert "the charger was silent for 5 s" in bench.logged()
    assert bench.up(result("u", {"status": "Rejected"})) is None


def test_a_charger_that_answers_in_time_speaks_for_itself() -> None:
    bench = RuledBench("answer_for_charger ChangeAvailability 5")
    bench.down(call("u", "ChangeAvailability", {"connectorId": 0, "type": "Operative"}))
    assert bench.up(result("u", {"status": "Rejected"})) == [3, "u", {"status": "Rejected"}]
    bench.wait(10)
    assert bench.take_upstream() == []


def test_a_trigger_for_the_boot_left_unanswered_is_followed_by_the_cached_boot() -> None:
    bench = RuledBench("answer_for_charger TriggerMessage 3")
    bench.up(call("b", "BootNotification", BOOT))
    bench.down(result("b", {"status": "Accepted"}))
    assert bench.down(call("u", "TriggerMessage", ASK_BOOT))
    bench.wait(3)
    accepted, boot = bench.take_upstream()
    assert accepted == [3, "u", {"status": "Accepted"}]
    assert boot[2:] == ["BootNotification", BOOT]


def test_a_notification_answered_for_upstream_never_reaches_it_nor_the_replay() -> None:
    bench = RuledBench("answer_for_upstream StatusNotification")
    status = {"connectorId": 1, "errorCode": "NoError", "status": "Available"}
    bench.charger(call("s", "StatusNotification", status))
    assert bench.take_charger() == [[3, "s", {}]]
    bench.lose_upstream()
    bench.upstream_returns()
    assert bench.take_upstream() == []


def test_a_blocked_action_is_refused_to_its_sender() -> None:
    bench = RuledBench("block up DataTransfer; block down Reset")
    bench.charger(b'[2,7,"DataTransfer",{}]')
    bench.upstream(call("u", "Reset", {"type": "Hard"}))
    assert [m[:3] for m in bench.take_charger()] == [[4, 7, "NotSupported"]]
    assert [m[:3] for m in bench.take_upstream()] == [[4, "u", "NotSupported"]]
    assert bench.up(call("v", "Heartbeat"))
    assert bench.down(call("v", "ClearCache"))


def test_a_single_configuration_key_can_be_blocked() -> None:
    bench = RuledBench("block down ChangeConfiguration heartbeatinterval")
    bench.upstream(call("u", "ChangeConfiguration", {"key": "HeartbeatInterval", "value": "1"}))
    assert [m[:3] for m in bench.take_upstream()] == [[4, "u", "SecurityError"]]
    assert bench.down(call("v", "ChangeConfiguration", {"key": "Other", "value": "1"}))


def test_blocked_wins_over_answered() -> None:
    bench = RuledBench("answer_for_charger Reset; block down Reset")
    bench.upstream(call("u", "Reset", {"type": "Hard"}))
    assert bench.take_upstream()[0][0] == 4


def test_a_rule_that_acts_all_the_time_is_logged_at_info_only_now_and_then() -> None:
    bench = RuledBench("answer_for_upstream FirmwareStatusNotification")
    for number in range(400):
        bench.charger(call(str(number), "FirmwareStatusNotification", {"status": "Idle"}))
        bench.wait(10)
    lines = [note.text for note in bench.notes if note.level == "info" and "rule " in note.text]
    assert len(lines) == 2
    assert "359 times before" in lines[1]
    assert sum("answered for upstream" in note.text for note in bench.notes) == 400


def test_a_repeated_trigger_is_answered_here_with_the_last_meter_values() -> None:
    bench = RuledBench("trigger_min_interval 30")
    trigger = {"requestedMessage": "MeterValues", "connectorId": 1}
    assert bench.down(call("1", "TriggerMessage", trigger))
    bench.up(result("1", {"status": "Accepted"}))
    bench.up(call("m", "MeterValues", meter_values(1, "42")))
    bench.down(result("m"))
    bench.wait(2)
    bench.upstream(call("2", "TriggerMessage", trigger))
    accepted, again = bench.take_upstream()
    assert accepted == [3, "2", {"status": "Accepted"}]
    assert again[2:] == ["MeterValues", meter_values(1, "42")]
    assert bench.take_charger() == []
    bench.upstream(result(again[1]))
    assert bench.down(call("3", "TriggerMessage", {"requestedMessage": "MeterValues"}))
    bench.wait(30)
    assert bench.down(call("4", "TriggerMessage", trigger))


def test_a_trigger_the_charger_rejected_may_be_repeated_at_once() -> None:
    bench = RuledBench("trigger_min_interval 30")
    trigger = {"requestedMessage": "MeterValues"}
    bench.down(call("1", "TriggerMessage", trigger))
    bench.up(result("1", {"status": "Rejected"}))
    assert bench.down(call("2", "TriggerMessage", trigger))


def test_commands_wait_for_the_answer_to_the_boot_in_order() -> None:
    bench = RuledBench("delay_commands_until_boot 20")
    bench.upstream(call("1", "Reset", {"type": "Soft"}))
    bench.upstream(call("2", "ClearCache"))
    bench.wait(5)
    bench.up(call("b", "BootNotification", BOOT))
    assert bench.take_charger() == []
    bench.upstream(result("b", {"status": "Accepted"}))
    assert [m[1] for m in bench.take_charger()] == ["b", "1", "2"]
    assert bench.down(call("3", "ClearCache"))


def test_commands_wait_no_longer_than_the_given_time() -> None:
    bench = RuledBench("delay_commands_until_boot 20")
    bench.wait(15)
    assert bench.down(call("1", "ClearCache")) is None
    bench.wait(4.9)
    assert bench.take_charger() == []
    bench.wait(0.2)
    assert [m[1] for m in bench.take_charger()] == ["1"]
    assert bench.down(call("2", "ClearCache"))


def test_commands_wait_again_when_the_charger_boots_again() -> None:
    bench = RuledBench("delay_commands_until_boot 20")
    bench.wait(21)
    assert bench.down(call("1", "ClearCache"))
    bench.up(call("b", "BootNotification", BOOT))
    assert bench.down(call("2", "ClearCache")) is None


def test_settings_are_written_one_by_one_five_seconds_after_the_boot() -> None:
    bench = RuledBench("set_config_after_boot A 1; set_config_after_boot B 2")
    bench.up(call("b", "BootNotification", BOOT))
    bench.down(result("b", {"status": "Accepted"}))
    bench.wait(4.9)
    assert bench.take_charger() == []
    bench.wait(0.2)
    [first] = bench.take_charger()
    assert first[2:] == ["ChangeConfiguration", {"key": "A", "value": "1"}]
    bench.wait(1)
    assert bench.up(result(first[1], {"status": "Accepted"})) is None
    bench.wait(0.1)
    [second] = bench.take_charger()
    assert second[3] == {"key": "B", "value": "2"}
    bench.charger(result(second[1], {"status": "NotSupported"}))
    bench.wait(100)
    assert bench.take_charger() == []
    assert "A: Accepted" in bench.logged()
    assert "B: NotSupported" in bench.logged()


def test_settings_wait_as_long_as_a_command_of_upstream_is_open() -> None:
    bench = RuledBench("set_config_after_boot A 1")
    bench.up(call("b", "BootNotification", BOOT))
    bench.down(result("b", {"status": "Accepted"}))
    bench.down(call("u", "GetConfiguration"))
    bench.wait(60)
    assert bench.take_charger() == []
    bench.up(result("u"))
    bench.wait(1)
    assert bench.take_charger()[0][2] == "ChangeConfiguration"


def test_a_boot_repeated_for_a_returning_upstream_writes_no_settings() -> None:
    bench = RuledBench("set_config_after_boot A 1")
    bench.up(call("b", "BootNotification", BOOT))
    bench.down(result("b", {"status": "Accepted"}))
    bench.wait(5)
    [setting] = bench.take_charger()
    bench.charger(result(setting[1], {"status": "Accepted"}))
    bench.lose_upstream()
    bench.upstream_returns()
    bench.answer_upstream_calls(BootNotification={"status": "Accepted"})
    bench.wait(60)
    assert bench.take_charger() == []


def test_replays_can_be_switched_off() -> None:
    bench = RuledBench("replay_boot off; replay_status off")
    bench.up(call("b", "BootNotification", BOOT))
    bench.down(result("b", {"status": "Accepted"}))
    status = {"connectorId": 1, "errorCode": "NoError", "status": "Available"}
    bench.up(call("s", "StatusNotification", status))
    bench.down(result("s"))
    bench.lose_upstream()
    bench.upstream_returns()
    assert json.dumps(bench.take_upstream()) == "[]"
