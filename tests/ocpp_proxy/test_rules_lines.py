"""Rule lines as their owner writes them: what is read, and what a mistake is told."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ocpp_proxy.errors import OptionError
from ocpp_proxy.relay import StationMemory

from ocpp_proxy import options, rules
from tests.environments import ROOT
from tests.ocpp_proxy.harness import proxy_process
from tests.ocpp_proxy.relaying import NOON, call
from tests.ocpp_proxy.ruling import RuledBench, fewer

EVERY_RULE = """
actec
answer_for_charger ChangeAvailability 5   # late
answer_for_charger GetLocalListVersion
configuration "Vendor Key" "a; b # c"
answer_for_upstream DiagnosticsStatusNotification
block up DataTransfer; block down ChangeConfiguration HeartbeatInterval
block down Reset
fix_timestamps Europe/Berlin
truncate_strings
drop_invalid_samples
add_total_power
repair_json
fix_encoding
binary_to_text
scale Voltage 0.1
default_unit Current.Import A
map_id_tag "evcc tag" 04A2B3C4
profile unit=W watts_per_amp=690 stack_level=0 kind=Absolute purpose=TxDefaultProfile
min_limit 4140
zero_action remote_stop
delay_commands_until_boot 20
trigger_min_interval 30
replay_boot on
replay_status off
set_config_after_boot HeartbeatInterval 300
"""


def fault(*lines: str) -> str:
    with pytest.raises(OptionError) as raised:
        options.read({"rules": list(lines)})
    return str(raised.value)


def test_every_kind_of_line_is_read() -> None:
    plan = rules.read("rules", EVERY_RULE)
    assert plan.replay_boot
    assert not plan.replay_status
    written = {line.split()[0] for line in EVERY_RULE.split("\n") if line}
    assert {line.split()[0] for line in rules.grammar()} <= written


def test_no_lines_or_only_replay_lines_make_no_rules_at_all() -> None:
    for text in ("", " # nothing\n\n;", "replay_boot off; replay_status off"):
        assert rules.read("rules", text).rules(StationMemory(), lambda: NOON) is None


def test_names_may_be_written_in_any_case_and_values_with_blanks_in_quotes() -> None:
    bench = RuledBench(
        'Answer_For_Charger getconfiguration; configuration "A b" "c; d # e"  # a comment'
    )
    bench.upstream(call("u", "GetConfiguration"))
    [[_, _, payload]] = bench.take_upstream()
    assert payload["configurationKey"] == [{"key": "A b", "readonly": True, "value": "c; d # e"}]


@pytest.mark.parametrize("place", ["actec; {}", "{}; actec"])
def test_other_lines_win_over_a_preset_wherever_it_stands(place: str) -> None:
    bench = RuledBench(place.format("configuration heartbeatinterval 30"))
    bench.upstream(call("u", "GetConfiguration", {"key": ["HeartbeatInterval"]}))
    [[_, _, payload]] = bench.take_upstream()
    assert [each["value"] for each in payload["configurationKey"]] == ["30"]


def test_of_two_lines_about_the_same_the_later_one_counts() -> None:
    bench = RuledBench("trigger_min_interval 5; trigger_min_interval 0")
    for number in range(2):
        assert bench.down(call(str(number), "TriggerMessage", {"requestedMessage": "Heartbeat"}))


def test_the_actec_preset_says_exactly_this() -> None:
    bench = RuledBench("actec")
    bench.charger(call("b", "BootNotification", {"chargePointModel": "EV-AC22K"}))
    bench.take_upstream()
    bench.upstream(call("1", "ChangeAvailability", {"connectorId": 0, "type": "Operative"}))
    bench.upstream(call("2", "GetConfiguration"))
    bench.charger(call("3", "FirmwareStatusNotification", {"status": "Idle"}))
    bench.upstream(b'[3,"b",{"status":"Accepted"}]')
    bench.upstream(call("4", "TriggerMessage", {"requestedMessage": "BootNotification"}))
    answers = bench.take_upstream()
    assert answers[0] == [3, "1", {"status": "Accepted"}]
    values = {each["key"]: each["value"] for each in answers[1][2]["configurationKey"]}
    assert values == {
        "HeartbeatInterval": "60",
        "LocalPreAuthorize": "true",
        "LocalAuthorizeOffline": "false",
        "LocalAuthListEnabled": "false",
        "AuthorizeRemoteTxRequests": "false",
        "SupportedFeatureProfiles": "Core,SmartCharging",
    }
    assert answers[2] == [3, "4", {"status": "Accepted"}]
    assert answers[3][2:] == ["BootNotification", {"chargePointModel": "EV-AC22K"}]
    assert [m[:3] for m in bench.take_charger()] == [
        [3, "3", {}],
        [3, "b", {"status": "Accepted"}],
    ]


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("scal Voltage 1", "write scale MEASURAND FACTOR"),
        ("actek", "write actec"),
        ("nonsense", "write one of actec; answer_for_charger ACTION [SECONDS]; "),
        ("scale Voltage", "too few words"),
        ("scale Voltage 1 2", "too many words"),
        ("scale Voltage nan", "no number"),
        ("scale Voltage 1e400", "no number"),
        ("scale Voltag 2", "Voltage is"),
        ("default_unit Voltage volts", "no unit of OCPP 1.6"),
        ("answer_for_charger Heartbeat", "not sent by the central system"),
        ("answer_for_charger Reset soon", "no number of seconds"),
        ("answer_for_charger Reset -1", "not from 0 to"),
        ("answer_for_upstream Heartbeat", "only the central system can answer"),
        ("answer_for_upstream StartTransaction", "only the central system can answer"),
        ("answer_for_upstream StopTransaction", "only the central system can answer"),
        ("block up StopTransaction", "never kept from the central system"),
        ("block sideways Reset", "write block up|down ACTION [KEY]"),
        ("block down Reset Key", "ChangeConfiguration only"),
        ("configuration Key value", "needs answer_for_charger GetConfiguration"),
        ("fix_timestamps Nowhere/Town", "no zone"),
        ("fix_timestamps ../../etc/passwd", "no zone"),
        ("map_id_tag A 123456789012345678901", "1 to 20 characters"),
        ("profile", "too few words"),
        ("profile unit", "no KEY=VALUE"),
        ("profile unit=kW", "'kW' is not known"),
        ("profile number_phases=4", "from 1 to 3"),
        ("profile watts_per_amp=0", "no number"),
        ("min_limit -6", "not above 0"),
        ("zero_action min_limit", "needs min_limit VALUE"),
        ("zero_action off", "write zero_action keep|min_limit|remote_stop"),
        ("replay_boot maybe", "write replay_boot on|off"),
        ('configuration "Key value', "a double quote is not closed"),
    ],
)
def test_a_line_that_cannot_be_read_is_told_with_its_grammar(line: str, told: str) -> None:
    assert told in fault("truncate_strings", line)
    assert fault("truncate_strings", line).startswith("option rules[1]: ")


def test_a_mistake_in_the_rules_of_one_wallbox_names_it() -> None:
    with pytest.raises(OptionError, match=r"option stations\[1\]\.rules: .*min_limit VALUE"):
        options.read({"stations": [{"id": "A"}, {"id": "B", "rules": "actec; min_limit x"}]})


def test_what_may_be_a_password_is_not_repeated() -> None:
    assert "geheim" not in fault("set_config_after_boot AuthorizationKey geheim too much")
    assert "geheim" not in fault('set_config_after_boot AuthorizationKey "geheim')


async def test_the_program_ends_with_one_clear_line_and_code_1(tmp_path: Path) -> None:
    async with proxy_process(tmp_path, options={"rules": ["min_limit six"]}) as program:
        assert await program.ended() == 1
    [line] = [line for line in program.lines if "FATAL" in line]
    assert "option rules[0]: the rule line 'min_limit six' cannot be used" in line
    assert line.endswith("write min_limit VALUE")


def test_the_manual_names_every_rule() -> None:
    manual = (ROOT / "ocpp_proxy" / "DOCS.md").read_text()
    rules_part = manual.partition("\n## Rules\n")[2].partition("\n## ")[0]
    for line in rules.grammar():
        assert f"`{line.split()[0]}" in rules_part


def test_a_wallbox_with_rules_of_its_own_does_not_follow_the_common_ones() -> None:
    read, _ = options.read(
        {
            "rules": ["replay_boot off"],
            "stations": [{"id": "A"}, {"id": "B", "rules": "replay_status off"}],
        }
    )
    plans = {name: read.plan_of(read.station(name)) for name in ("A", "B", "C")}
    assert [plan.replay_boot for plan in plans.values()] == [False, True, False]
    assert [plan.replay_status for plan in plans.values()] == [True, False, True]


@fewer
@given(st.text() | st.lists(st.sampled_from([*EVERY_RULE.split(), ";", '"', "#"])).map(" ".join))
def test_whatever_is_written_is_read_or_refused(text: str) -> None:
    refusal = ""
    try:
        rules.read("rules", text)
    except OptionError as error:
        refusal = str(error)
    assert refusal == "" or refusal.startswith("option rules: ")
