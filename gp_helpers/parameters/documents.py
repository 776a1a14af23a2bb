"""A parameter file as YAML: its data, and the lines on which its keys stand.

YAML lets a key be stated twice and takes the last; here that is an error, since one of the two is
not what the run would do.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from gp_helpers.parameters.errors import ParameterError


def read_document(path: Path) -> tuple[yaml.Node | None, Any]:
    """The nodes of a file, for their lines, and its data; `ParameterError` if it is not YAML."""
    try:
        text = path.read_text(encoding="utf-8")
        node, data = yaml.compose(text, Loader=yaml.SafeLoader), yaml.safe_load(text)
    except OSError as error:
        raise ParameterError(str(path), [f"cannot be read: {error.strerror}"]) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ParameterError(str(path), [f"not YAML: {error}"]) from error
    problems = list(_stated_twice(node, (), set()))
    if problems:
        raise ParameterError(str(path), problems)
    return node, data


def _stated_twice(node: yaml.Node | None, path: tuple[str, ...], seen: set[int]) -> Iterator[str]:
    if id(node) in seen:  # an alias
        return
    seen.add(id(node))
    if isinstance(node, yaml.MappingNode):
        lines: dict[str, int] = {}
        for key, value in node.value:
            name, line = str(key.value), key.start_mark.line + 1
            here = (*path, name)
            if name in lines:
                yield f"line {line}: {'.'.join(here)}: stated on line {lines[name]} already"
            lines.setdefault(name, line)
            yield from _stated_twice(value, here, seen)
    elif isinstance(node, yaml.SequenceNode):
        for number, value in enumerate(node.value):
            yield from _stated_twice(value, (*path, str(number)), seen)


def line_of(node: yaml.Node | None, path: tuple[Any, ...]) -> int | None:
    """The line on which a key stands, or the nearest above it; None if there is no file."""
    line = None
    for part in path:
        if isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                if key.value == str(part):
                    line, node = key.start_mark.line + 1, value
                    break
            else:
                return line
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int):
            node = node.value[part] if part < len(node.value) else None
            line = node.start_mark.line + 1 if node is not None else line
        else:
            return line
    return line
