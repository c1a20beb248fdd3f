"""Names of settings and arguments in Python → flags of the command line."""

import re
from collections.abc import Collection

_SETTING = re.compile(r"`(\w+)(?:=([^`]*))?`")


def in_flags(text: str) -> str:
    """Return a message in which settings in backticks, spelled as in Python, are spelled as flags.

    `` `val_split` `` becomes `--val-split`, `` `val_split=0` `` `--val-split 0`, `` `force=True` `` `--force`.
    """

    def flag(found: re.Match[str]) -> str:
        name, value = found.groups()
        spelled = flag_of(name)
        return spelled if value in (None, "True") else f"{spelled} {value.strip('[]').strip(chr(34) + chr(39))}"

    return _SETTING.sub(flag, text)


def in_keys(text: str, keys: Collection[str]) -> str:
    """Return a message in which those settings in backticks that a config file has are spelled as its keys."""

    def key(found: re.Match[str]) -> str:
        name, value = found.groups()
        if name not in keys:
            return found[0]
        return name if value is None else f"{name} = {value}"

    return _SETTING.sub(key, text)


_OTHER_FLAGS = {"fonts": "--font", "sets": "--set", "root": "--out", "destination": "--out"}
"""Arguments of the library whose flags have other names."""


def flag_of(name: str) -> str:
    """Return the flag of a setting or argument."""
    from charcnn.specs.settings import declared_settings  # not needed where nothing fails
    from charcnn.specs.train_config import TrainSettings

    if name in _OTHER_FLAGS:
        return _OTHER_FLAGS[name]
    settings = declared_settings(TrainSettings)
    return settings[name].flags[0] if name in settings else f"--{name.replace('_', '-')}"
