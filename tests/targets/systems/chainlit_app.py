"""A Chainlit application as its documentation shows one: password, tool step, streamed answer."""

import asyncio

import chainlit as cl


@cl.password_auth_callback
def log_in(username: str, password: str) -> cl.User | None:
    return cl.User(identifier=username) if password == f"pw-of-{username}" else None


@cl.step(type="tool", name="look up")
async def look_up(text: str) -> str:
    await asyncio.sleep(0.05)
    return f"{len(text)} characters"


@cl.on_message
async def answer(message: cl.Message) -> None:
    found = await look_up(message.content)
    reply = cl.Message(content="")
    for word in f"You asked: {message.content} The tool found {found}.".split(" "):
        await reply.stream_token(f"{word} ")
        await asyncio.sleep(0.002)
    await reply.update()
