"""OWNER and REPO of the Makefile, and every address and image name that must follow them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import unquote

from tests.repository.checks.checkout import Checkout, Owner
from tests.repository.checks.yaml_file import load_config, load_mapping
from tests.repository.finding import Finding

_FIRST_NAME = "ev-home-apps"
"""Account and repository as the Makefile came; another owner must leave none of it behind."""

_GITHUB = re.compile(
    r"github\.com/([\w.-]+)/([\w-]+(?:\.[\w-]+)*)(?:/(?:tree|blob|raw|edit)/[\w.-]+/([\w.-]+))?"
)
_STORE_BUTTON = re.compile(r"repository_url=([^\s)\"'&>]+)")


def check_ownership(checkout: Checkout) -> list[Finding]:
    """repository.yaml, `url`, `image`, links and store buttons all name the Makefile's owner."""
    owner = checkout.owner
    if owner is None:
        if not {"Makefile", "repository.yaml"} & set(checkout.modes):
            return []
        return [
            Finding("Makefile", "names no owner", "write OWNER ?= and REPO ?= lines with a value")
        ]
    findings = [*_repository(checkout, owner), *_configs(checkout, owner)]
    for path, text in checkout.texts():
        if not path.startswith("tests/"):
            findings += _links(path, text, owner, checkout.apps)
    return findings


def _repository(checkout: Checkout, owner: Owner) -> Iterator[Finding]:
    if "repository.yaml" not in checkout:
        yield Finding("repository.yaml", "is missing", "write name, url and maintainer")
        return
    content, findings = load_mapping(checkout, "repository.yaml")
    yield from findings
    if findings:
        return
    for key in ("name", "url", "maintainer"):
        if not isinstance(content.get(key), str):
            yield Finding("repository.yaml", f"has no {key}", "add it")
    for key in sorted(set(map(str, content)) - {"name", "url", "maintainer"}):
        yield Finding("repository.yaml", f"{key} is no key of the store", "leave it out")
    if content.get("url") not in (None, owner.address):
        yield Finding("repository.yaml", f"url is {content['url']}", f"write {owner.address}")


def _configs(checkout: Checkout, owner: Owner) -> Iterator[Finding]:
    for app in checkout.store_apps:
        path, config = f"{app}/config.yaml", load_config(checkout, app)
        expected = f"{owner.address}/tree/main/{app}"
        if config.get("url") != expected:
            yield Finding(path, f"url is {config.get('url')}", f"write {expected}")
        image = f"ghcr.io/{owner.account}/{owner.repository}-{app}".lower()
        if "image" in config and config["image"] != image:
            yield Finding(path, f"image is {config['image']}", f"write {image}")


def _links(path: str, text: str, owner: Owner, apps: list[str]) -> Iterator[Finding]:
    for found in _GITHUB.finditer(text):
        account, name = found[1], found[2].removesuffix(".git")
        ours = name in (owner.repository, _FIRST_NAME) or found[3] in apps
        if ours and (account, name) != (owner.account, owner.repository):
            yield Finding(path, f"links to {account}/{name}", f"write {owner.address}")
    for found in _STORE_BUTTON.finditer(text):
        address = unquote(found[1])
        if address != owner.address:
            yield Finding(path, f"the store button adds {address}", f"write {owner.address}")
    image = re.compile(rf"ghcr\.io/([\w.-]+)/([\w.-]+)-({'|'.join(apps) or '-'})\b")
    for found in image.finditer(text):
        if (found[1], found[2]) != (owner.account.lower(), owner.repository.lower()):
            yield Finding(
                path,
                f"names the image {found[0]}",
                f"write ghcr.io/{owner.account}/{owner.repository}-{found[3]}".lower(),
            )
