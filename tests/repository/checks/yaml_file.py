"""Reads YAML strictly: a key written twice is an error, where PyYAML would keep the last one."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import yaml

from tests.repository.checks.checkout import Checkout
from tests.repository.finding import Finding


class _StrictLoader(yaml.SafeLoader):
    """SafeLoader that refuses repeated keys."""


def _mapping(loader: yaml.SafeLoader, node: yaml.MappingNode) -> dict[Hashable, Any]:
    seen: set[Hashable] = set()
    for key_node, _value in node.value:
        key = loader.construct_object(key_node, deep=True)
        if key in seen:
            raise yaml.constructor.ConstructorError(
                None, None, f"the key {key!r} stands twice", key_node.start_mark
            )
        seen.add(key)
    return loader.construct_mapping(node, deep=True)


_StrictLoader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)


def load_mapping(checkout: Checkout, path: str) -> tuple[dict[Any, Any], list[Finding]]:
    """The mapping in a tracked YAML file, empty with one finding when it is none."""
    try:
        content = yaml.load(checkout.text(path), Loader=_StrictLoader)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())
        return {}, [Finding(path, f"is not valid YAML ({reason})", "mend the syntax")]
    if not isinstance(content, dict):
        return {}, [Finding(path, "holds no mapping", "write `key: value` lines")]
    return content, []


def load_config(checkout: Checkout, app: str) -> dict[Any, Any]:
    """An app's config.yaml, empty when unreadable (`check_config_keys` reports that once)."""
    return load_mapping(checkout, f"{app}/config.yaml")[0]
