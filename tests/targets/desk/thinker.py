"""The desk's oracle: whoever asks it something gets a thought."""

from fastapi import FastAPI
from pydantic import BaseModel

app = FastAPI()


class Matter(BaseModel):
    """What is to be thought about."""

    words: str


@app.get("/up")
def up() -> dict[str, bool]:
    return {"up": True}


@app.post("/thoughts")
def think(matter: Matter) -> dict[str, str]:
    return {
        "thought": f"About your words, {matter.words!r}: the desk has looked into it and "
        "suggests to wait."
    }
