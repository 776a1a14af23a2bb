"""The account service of the help desk: an application of a shape unlike the embedded platform's.

It speaks of members, sessions and keys, takes forms, and issues opaque keys.
"""

import secrets
from typing import Annotated

from fastapi import FastAPI, Form, Header, HTTPException

app = FastAPI()
members: dict[str, tuple[str, str]] = {}
"""Handle to reference and secret phrase."""
sessions: dict[str, str] = {}
"""Key to member's reference."""


def reference_of(authorization: str) -> str:
    """The member whose key is shown; 401 for anything else."""
    scheme, _, key = authorization.partition(" ")
    if scheme != "Desk" or key not in sessions:
        raise HTTPException(401)
    return sessions[key]


@app.get("/up")
def up() -> dict[str, bool]:
    return {"up": True}


@app.post("/members", status_code=201)
def join(handle: Annotated[str, Form()], phrase: Annotated[str, Form()]) -> dict[str, str]:
    if handle in members:
        raise HTTPException(409)
    members[handle] = (f"m-{secrets.token_hex(4)}", phrase)
    return {"ref": members[handle][0]}


@app.post("/sessions", status_code=201)
def begin(handle: Annotated[str, Form()], phrase: Annotated[str, Form()]) -> dict[str, object]:
    reference, expected = members.get(handle, ("", ""))
    if not reference or phrase != expected:
        raise HTTPException(401)
    key = secrets.token_urlsafe(24)
    sessions[key] = reference
    return {"session": {"key": key}, "member": {"ref": reference}}


@app.get("/sessions/mine")
def mine(authorization: Annotated[str, Header()] = "") -> dict[str, str]:
    return {"ref": reference_of(authorization)}


@app.delete("/sessions/mine", status_code=204)
def end(authorization: Annotated[str, Header()] = "") -> None:
    reference_of(authorization)
    sessions.pop(authorization.partition(" ")[2], None)
