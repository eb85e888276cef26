"""Options that are set and do nothing because of another one: each worth a line at the start."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from . import targets

if TYPE_CHECKING:
    from .options import Options


def idle(options: Options, given: Mapping[str, Any]) -> Iterator[str]:
    """One text for each; `given` holds what somebody wrote, without the defaults."""
    if options.upstream_username is not None and options.upstream_auth != "basic":
        yield (
            f"upstream_username is not used while upstream_auth is {options.upstream_auth}: "
            "choose basic"
        )
    if options.upstream_username is not None and options.upstream_auth == "basic":
        for name, url in _addresses(options):
            if targets.parse(url).username is not None:
                yield f"{name} has a user name of its own, which wins over upstream_username"
    if options.target_url is not None and _changed(options, given, "target_host", "target_port"):
        yield "target_host and target_port are not used while target_url is set"
    if not options.ssl and options.tls_legacy:
        yield "tls_legacy does nothing while ssl is off"
    if not options.ping_interval and _changed(options, given, "ping_timeout"):
        yield "ping_timeout does nothing while ping_interval is 0"
    if options.on_upstream_loss == "close" and _changed(options, given, "hold_seconds"):
        yield "hold_seconds does nothing while on_upstream_loss is close"


def _addresses(options: Options) -> Iterator[tuple[str, str]]:
    if options.target_url is not None:
        yield "target_url", options.target_url
    for index, station in enumerate(options.stations):
        if station.target_url is not None:
            yield f"stations[{index}].target_url", station.target_url


def _changed(options: Options, given: Mapping[str, Any], *names: str) -> bool:
    """Whether any was written and differs from its default: the Supervisor writes all of them."""
    fields = type(options).model_fields
    return any(name in given and getattr(options, name) != fields[name].default for name in names)
