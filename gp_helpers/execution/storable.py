"""Whether a notebook can hold what a kernel shows: by its format, and by what JSON can say."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

import orjson

_JSON_TYPE = re.compile(r"application/(.*\+)?json")
"""The types whose content may be anything; that of all others is text."""


def why_not_storable(data: Mapping[str, Any], metadata: Mapping[str, Any]) -> str:
    """Why an output with this content cannot be stored; empty if it can."""
    for kind, content in data.items():
        if not (isinstance(content, str) or _JSON_TYPE.fullmatch(kind) or _is_lines(content)):
            return f"{kind}: expected text, found {type(content).__name__}"
    if not metadata and all(isinstance(content, str) for content in data.values()):
        return ""
    try:
        # How deep something may be nested is orjson's limit, which is the same wherever it stands
        # on the stack; integers it would refuse, JSON does not.
        orjson.dumps(json.loads(json.dumps([data, metadata]), parse_int=float))
    except (RecursionError, TypeError, ValueError) as error:
        return ": ".join(filter(None, [", ".join(data), str(error)]))
    return ""


def _is_lines(content: Any) -> bool:
    return isinstance(content, list) and all(isinstance(line, str) for line in content)
