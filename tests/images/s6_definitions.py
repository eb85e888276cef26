"""Writes s6-rc definitions for tests of the stand-in /init."""

from pathlib import Path


class Definitions:
    """A folder to be mounted as /etc/s6-overlay/s6-rc.d."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for bundle in ("user", "user2"):
            (root / bundle / "contents.d").mkdir(parents=True)
            (root / bundle / "type").write_text("bundle\n")

    def longrun(
        self, name: str, run: str, *, after: tuple[str, ...] = (), **files: str
    ) -> "Definitions":
        """`run` and `finish` are bodies of shell scripts; other files are written as they are.

        An underscore in a file's name stands for a hyphen.
        """
        folder = self._service(name, "longrun", after)
        self._script(folder / "run", run)
        for key, text in files.items():
            if key == "finish":
                self._script(folder / "finish", text)
            else:
                (folder / key.replace("_", "-")).write_text(text)
        return self

    def oneshot(
        self, name: str, up: str, *, after: tuple[str, ...] = (), down: str = "", **files: str
    ) -> "Definitions":
        """`up` and `down` are bodies of shell scripts, called by the real one-line files."""
        folder = self._service(name, "oneshot", after)
        for key, body in (("up", up), ("down", down)):
            if body:
                self._script(folder / f"{key}.sh", body)
                (folder / key).write_text(f"/etc/s6-overlay/s6-rc.d/{name}/{key}.sh\n")
        for key, text in files.items():
            (folder / key.replace("_", "-")).write_text(text)
        return self

    def _service(self, name: str, kind: str, after: tuple[str, ...]) -> Path:
        folder = self.root / name
        (folder / "dependencies.d").mkdir(parents=True)
        (folder / "type").write_text(f"{kind}\n")
        for dependency in ("base", *after):
            (folder / "dependencies.d" / dependency).touch()
        (self.root / "user" / "contents.d" / name).touch()
        return folder

    @staticmethod
    def _script(path: Path, body: str) -> None:
        text = body if body.startswith("#!") else f"#!/bin/bash\n{body}\n"
        path.write_text(text)
        path.chmod(0o755)
