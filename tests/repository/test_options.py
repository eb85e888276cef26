"""The option language, the defaults, and the options model beside them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.repository.checks.option_model import (
    ModelUnreadable,
    check_option_model,
    compare,
    dump_model,
)
from tests.repository.checks.option_type import BadType, BadValue, accept, parse_type
from tests.repository.checks.options import check_options
from tests.repository.sample import APP, GOOD_CONFIG, Sample


@pytest.mark.parametrize(
    ("kind", "value", "taken"),
    [
        ("str", "text", "text"),
        ("str?", "", ""),
        ("str(2,)", "ab", "ab"),
        ("password(,3)", "abc", "abc"),
        ("int", "5", 5),
        ("int", 5.7, 5),
        ("int(1,80)?", 80, 80),
        ("int(-5,)", -5, -5),
        ("float(.5,)", "0.5", 0.5),
        ("float", 3, 3.0),
        ("bool", "yes", True),
        ("bool", "off", False),
        ("bool", 1, True),
        ("url", "ws://h/p", "ws://h/p"),
        ("email", "a@b.org", "a@b.org"),
        ("port", 65535, 65535),
        ("match(^[a-z]+$)", "abc", "abc"),
        ("match(^a(b|c)$)?", "ab", "ab"),
        ("list(1|2)", 1, "1"),
        ("list(a|b c)", "b c", "b c"),
        ("device(subsystem=tty)", "/dev/ttyS0", "/dev/ttyS0"),
        ("int", "!secret number", "!secret number"),
    ],
)
def test_a_value_arrives_as_the_supervisor_passes_it(kind: str, value: Any, taken: Any) -> None:
    arrived = accept(parse_type(kind), value)
    assert (arrived, type(arrived)) == (taken, type(taken))


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("str", 5),
        ("str(2,)", "a"),
        ("str?", None),
        ("int(1,80)", 81),
        ("int(1,80)", 0),
        ("int", "five"),
        ("float(,1)", 1.5),
        ("bool", "perhaps"),
        ("url?", ""),
        ("url", "example.org"),
        ("email?", ""),
        ("port", 0),
        ("port", 65536),
        ("match(^[a-z]+$)", "abc1"),
        ("list(a|b)", "c"),
        ("list(true|false)", True),
        ("device", "ttyS0"),
    ],
)
def test_a_value_the_supervisor_refuses_is_refused(kind: str, value: Any) -> None:
    with pytest.raises(BadValue):
        accept(parse_type(kind), value)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "?",
        "string",
        "int(5)",
        "int(a,b)",
        "int(9,1)",
        "int(1.5,2)",
        "str(-1,)",
        "list",
        "list()",
        "list(a||b)",
        "list(a|a)",
        "list(a | b)",
        "match",
        "match([)",
        "match(^[a-z]+)",
        "bool(1,2)",
        "device(tty)",
        "int??",
        5,
        None,
    ],
)
def test_a_type_the_supervisor_does_not_know_is_refused(text: object) -> None:
    with pytest.raises(BadType):
        parse_type(text)


@given(st.text(max_size=30))
def test_any_text_is_a_type_or_a_clear_refusal(text: str) -> None:
    try:
        kind = parse_type(text)
    except BadType:
        return
    assert kind.optional == text.endswith("?")


WRONG: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "a type nobody knows": ({"a": "number"}, {"a": 1}, "schema of a is invalid"),
    "a default outside its limits": ({"a": "int(1,5)"}, {"a": 9}, "above 5"),
    "a number for text": ({"a": "str"}, {"a": 5}, "5 is no text"),
    "a default of another shape": ({"a": "int"}, {"a": "5"}, "would arrive as 5"),
    "an unquoted digit of a list": ({"a": "list(1|2)"}, {"a": 1}, "would arrive as '1'"),
    "a word for a flag": ({"a": "bool"}, {"a": "on"}, "would arrive as True"),
    "a null default": ({"a": "str?"}, {"a": None}, "default of a is null"),
    "a required field without default": ({"a": "str"}, {}, "a has no default and blocks"),
    "a list without default": ({"a": ["str"]}, {}, "a has no default"),
    "an absent mapping": ({"a": {"b": "str?"}}, {}, "a has no default, an error even if"),
    "a member without default": ({"a": {"b": "str"}}, {"a": {}}, "a.b has no default"),
    "a member nobody knows": ({"a": {"b": "str?"}}, {"a": {"c": 1}}, "a.c is not in schema"),
    "an option nobody knows": ({}, {"a": 1}, "option a is not in schema"),
    "a list in a list": ({"a": [["str"]]}, {"a": []}, "is a list in a list"),
    "a list of two types": ({"a": ["str", "int"]}, {"a": []}, "names 2 element types"),
    "three levels": ({"a": {"b": {"c": "str?"}}}, {"a": {"b": {}}}, "too deep"),
    "an empty mapping": ({"a": {}}, {"a": {}}, "empty or too deep"),
    "an optional address": ({"a": "url?"}, {}, "write str? and check it"),
    "a limited length": ({"a": "str(1,5)"}, {"a": "abc"}, "refuses every value"),
    "text for a list": ({"a": ["str"]}, {"a": "x"}, "default of a is no list"),
    "a bad list member": ({"a": ["int(1,5)"]}, {"a": [1, 9]}, "default of a[1] is refused"),
    "text for a mapping": ({"a": {"b": "str?"}}, {"a": "x"}, "default of a is no mapping"),
}


@pytest.mark.parametrize("name", WRONG)
def test_options_finds(name: str, sample: Sample) -> None:
    schema, options, expected = WRONG[name]
    sample.configure(
        schema={**GOOD_CONFIG["schema"], **schema}, options={**GOOD_CONFIG["options"], **options}
    )
    assert expected in "\n".join(sample.faults(check_options))


def test_optional_and_nested_options_pass(sample: Sample) -> None:
    schema = {
        "hosts": ["str?"],
        "cars": [{"vin": "str", "name": "str?"}],
        "limits": {"low": "int", "tags": ["str"]},
    }
    options = {"cars": [{"vin": "x"}], "limits": {"low": 1, "tags": []}}
    sample.configure(
        schema={**GOOD_CONFIG["schema"], **schema}, options={**GOOD_CONFIG["options"], **options}
    )
    assert sample.faults(check_options) == []


@pytest.mark.parametrize(
    ("schema", "options", "expected"),
    [
        ({"mqtt_host": "str"}, {"mqtt_host": "x"}, "mqtt_host has another type"),
        ({}, {"discovery_prefix": "ha"}, "discovery_prefix has another default"),
        ({"mqtt_port": "port"}, {"mqtt_port": 1883}, "mqtt_port has another type"),
        ({"log_level": "list(info|debug)"}, {}, "log_level has another type"),
    ],
)
def test_the_options_of_every_app_are_alike(
    schema: dict[str, Any], options: dict[str, Any], expected: str, sample: Sample
) -> None:
    sample.configure(
        schema={**GOOD_CONFIG["schema"], **schema}, options={**GOOD_CONFIG["options"], **options}
    )
    assert expected in "\n".join(sample.faults(check_options))


def test_a_common_option_that_is_missing_is_found(sample: Sample) -> None:
    schema = {key: kind for key, kind in GOOD_CONFIG["schema"].items() if key != "mqtt_ca"}
    sample.configure(schema=schema)
    assert "option mqtt_ca is missing" in sample.faults(check_options)[0]


MODEL = """\
    from enum import StrEnum
    from typing import Literal

    from pydantic import BaseModel, Field

    class Shape(StrEnum):
        ROUND = "round"
        FLAT = "flat"

    class Car(BaseModel):
        vin: str
        nickname: str = ""

    class Options(BaseModel):
        length: int = Field(12, ge=1, le=80)
        share: float | None = Field(None, gt=0, le=1)
        port: int | None = Field(None, ge=1, le=65535)
        shape: Shape = Shape.ROUND
        level: Literal["info", "debug"] = "info"
        host: str = ""
        cars: list[Car] = []
        quiet: bool = False
    """
FORM: dict[str, Any] = {
    "length": "int(1,80)",
    "port": "port?",
    "shape": "list(round|flat)",
    "level": "list(debug|info)",
    "host": "str?",
    "cars": [{"vin": "str", "nickname": "str?"}],
    "quiet": "bool",
}
DEFAULTS: dict[str, Any] = {
    "length": 12, "shape": "round", "level": "info", "cars": [], "quiet": False,
}  # fmt: skip


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The JSON schema of the model above, made by another process as for an app."""
    folder = tmp_path_factory.mktemp("app") / "dial"
    sample = Sample(folder.parent)
    sample.write("dial/dial/__init__.py", "")
    sample.write("dial/dial/options.py", MODEL.replace("share: float", "# share: float"))
    return dump_model(Path(sys.executable), folder)


def test_a_form_equal_to_its_model_passes(model: dict[str, Any]) -> None:
    assert compare(FORM, DEFAULTS, model) == []


@pytest.mark.parametrize(
    ("form", "defaults", "expected"),
    [
        ({"length": "int(1,90)"}, {}, "length has 90 as its upper limit, its field 80"),
        ({"length": "int(,80)"}, {}, "length has none as its lower limit, its field 1"),
        ({"length": "float(1,80)"}, {}, "length is float(1,80), the field is integer"),
        ({}, {"length": 13}, "length defaults to 13 here and to 12"),
        ({}, {"quiet": True}, "quiet defaults to True here and to False"),
        ({}, {"host": "x"}, "host defaults to 'x' here and to ''"),
        ({"shape": "list(round|flat|odd)"}, {}, "shape offers round, flat, odd"),
        ({"level": "str"}, {}, "level is str, its field takes few values"),
        ({"host": "bool?"}, {}, "host is bool?, the field is string"),
        ({"port": "int(1,65535)?"}, {}, ""),
        ({"port": "int(1,)?"}, {}, "port has none as its upper limit"),
        ({"extra": "str?"}, {}, "option extra is unknown to the options model"),
        ({"cars": [{"vin": "str?", "nickname": "str?"}]}, {}, "member vin of cars may be left out"),
        ({"cars": [{"vin": "str"}]}, {}, "member nickname of cars is not in both"),
        ({"cars": "str?"}, {}, "cars is str?, the field is array"),
        ({"host": ["str"]}, {"host": []}, "option host is a list, the field is none"),
        ({"host": {"a": "str?"}}, {"host": {}}, "option host is a mapping, the field is none"),
    ],
)
def test_a_form_and_its_model_are_compared(
    form: dict[str, Any], defaults: dict[str, Any], expected: str, model: dict[str, Any]
) -> None:
    faults = compare({**FORM, **form}, {**DEFAULTS, **defaults}, model)
    if expected:
        assert expected in "\n".join(wrong for wrong, _ in faults)
    else:
        assert faults == []


def test_a_field_the_form_does_not_offer_is_found(model: dict[str, Any]) -> None:
    form = {key: kind for key, kind in FORM.items() if key != "quiet"}
    faults = compare(form, DEFAULTS, model)
    assert [wrong for wrong, _ in faults] == ["field quiet of the options model is not offered"]


def test_an_exclusive_decimal_limit_cannot_be_written_in_a_form() -> None:
    field = {"type": "number", "exclusiveMinimum": 0, "maximum": 1, "default": 0.5}
    faults = compare({"a": "float(0,1)"}, {"a": 0.5}, {"properties": {"a": field}})
    assert len(faults) == 1
    assert "lower limit" in faults[0][0]


def test_a_field_without_default_is_found() -> None:
    model = {"properties": {"a": {"type": "string"}}, "required": ["a"]}
    assert compare({"a": "str?"}, {}, model) == [
        ("field a of the options model has no default", "give it one")
    ]


def test_a_finding_names_the_apps_config(sample: Sample) -> None:
    findings = check_option_model(sample.checkout(), APP, {"properties": {}})
    assert str(findings[0]).startswith(f"{APP}/config.yaml: option ")


def test_a_module_that_cannot_be_imported_says_why(tmp_path: Path) -> None:
    folder = tmp_path / "dial"
    (folder / "dial").mkdir(parents=True)
    (folder / "dial" / "options.py").write_text("import missing_for_sure\n")
    with pytest.raises(ModelUnreadable, match="missing_for_sure"):
        dump_model(Path(sys.executable), folder)
