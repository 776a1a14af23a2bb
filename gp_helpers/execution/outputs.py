"""What cells print and show, collected into a notebook: coalesced, bounded, nothing lost unsaid.

Built on nbclient's handling of messages (display ids, clearing, widgets); streams are ours. Text
between two other outputs becomes one output a stream, so that it does not matter when the kernel
happened to flush.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Any

from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionComplete
from nbformat import NotebookNode
from nbformat.v4 import new_output

from gp_helpers.execution.storable import why_not_storable

KEPT_CHARACTERS = 1 << 18
"""Kept from the beginning, and as many from the end, of a stream between two other outputs."""
MOST_OUTPUTS = 5_000
"""Outputs that a cell may have."""
_SHOWING = ("display_data", "execute_result", "update_display_data")


@dataclass(eq=False)
class StreamText:
    """The text of one stream output: its beginning and its end."""

    output: NotebookNode
    _head: list[str] = field(default_factory=list)
    _head_size: int = 0
    _tail: deque[str] = field(default_factory=deque)
    _tail_size: int = 0
    _left_out: int = 0

    def add(self, text: str) -> None:
        """Add what was printed next."""
        room = KEPT_CHARACTERS - self._head_size
        if room > 0:
            self._head.append(text[:room])
            self._head_size += len(self._head[-1])
            text = text[room:]
        if not text:
            return
        self._tail.append(text)
        self._tail_size += len(text)
        while self._tail_size - len(self._tail[0]) >= KEPT_CHARACTERS:
            dropped = len(self._tail.popleft())
            self._tail_size -= dropped
            self._left_out += dropped

    def leave_out(self, characters: int) -> None:
        """Say that something printed here is lost."""
        self._left_out += characters

    def settle(self) -> None:
        """Write the text into the output."""
        tail = "".join(self._tail)
        left_out = self._left_out + max(0, len(tail) - KEPT_CHARACTERS)
        said = f"\n… {left_out:,} characters are left out here …\n" if left_out else ""
        self.output["text"] = _overwritten(
            "".join(self._head) + said + tail[max(0, len(tail) - KEPT_CHARACTERS) :]
        )


def _overwritten(text: str) -> str:
    """The text as a terminal would show it: what precedes a carriage return is overwritten."""
    if "\r" not in text:
        return text
    lines = []
    for line in text.split("\n"):
        body = line.rstrip("\r")
        lines.append(body.rpartition("\r")[2] + line[len(body) :])
    return "\n".join(lines)


@dataclass(eq=False)
class _Surplus:
    """Outputs of a cell beyond those that it may have."""

    output: NotebookNode
    """Stands for them and says how many they are."""
    count: int = 0


class OutputCollector(NotebookClient):
    """Puts the messages of a kernel into the cells of a notebook."""

    def __init__(self, notebook: NotebookNode, client: Any) -> None:
        super().__init__(notebook, record_timing=False)
        self.kc = client
        self.clear_before_next_output = False
        self._streams: dict[int, dict[int, StreamText]] = {}
        """By the cell's index, then by the identity of the output."""
        self._surplus: dict[int, _Surplus] = {}
        self.refused: dict[int, str] = {}
        """By the cell's index, why an output of its is not stored: the first one."""

    def take(self, message: dict[str, Any], cell: NotebookNode, index: int) -> bool:
        """Take a message that belongs to a cell; return whether it says that the cell is done."""
        if message["msg_type"] == "execute_input":
            self.clear_before_next_output = False
        elif message["msg_type"] in _SHOWING:
            self._refuse_what_cannot_be_stored(message["content"], index)
        try:
            self.process_message(message, cell, index)
        except CellExecutionComplete:
            return True
        return False

    def _refuse_what_cannot_be_stored(self, content: dict[str, Any], index: int) -> None:
        """Have a text say why an output is not stored, in its place."""
        why = why_not_storable(content["data"], content["metadata"])
        if why:
            self.refused.setdefault(index, why)
            text = f"… this output cannot be stored: {why} …"
            content.update(data={"text/plain": text}, metadata={})

    def settle_widgets(self) -> str:
        """Bring the state of widgets into the notebook; returns why it cannot be stored, if so."""
        why = why_not_storable({}, self.widget_state)
        if not why:
            self.set_widgets_metadata()
        return why

    def add_text(self, cell: NotebookNode, index: int, name: str, text: str, lost: int = 0) -> None:
        """Add printed text to a cell, after ``lost`` characters that nobody has."""
        stream = self._stream(cell.outputs, index, name)
        stream.leave_out(lost)
        stream.add(text)

    def settle(self) -> None:
        """Bring the notebook up to date with what was taken so far."""
        for index, streams in self._streams.items():
            for stream in streams.values():
                stream.settle()
            _order_streams(self.nb.cells[index].outputs)
        for surplus in self._surplus.values():
            surplus.output["text"] = f"… {surplus.count:,} more outputs are left out here …\n"

    def output(
        self, outs: list[NotebookNode], msg: dict[str, Any], display_id: str | None, cell_index: int
    ) -> NotebookNode | None:
        is_hooked = bool(self.output_hook_stack[msg["parent_header"].get("msg_id")])
        if is_hooked or msg["msg_type"] == "error":
            return super().output(outs, msg, display_id, cell_index)
        if self.clear_before_next_output:
            outs[:] = []
            self.clear_display_id_mapping(cell_index)
            self.clear_before_next_output = False
        if msg["msg_type"] == "stream":
            content = msg["content"]
            stream = self._stream(outs, cell_index, content["name"])
            stream.add(content["text"])
            return stream.output
        if len(outs) >= MOST_OUTPUTS:
            if cell_index not in self._surplus:
                outs.append(new_output("stream", name="stderr", text=""))
                self._surplus[cell_index] = _Surplus(outs[-1])
            self._surplus[cell_index].count += 1
            return None
        if msg["msg_type"] not in ("display_data", "execute_result"):
            return super().output(outs, msg, display_id, cell_index)
        output = _shown(msg)
        if display_id:
            places = self._display_id_map.setdefault(display_id, {})
            places.setdefault(cell_index, []).append(len(outs))
        outs.append(output)
        return output

    def clear_display_id_mapping(self, cell_index: int) -> None:
        """Forget a cell's outputs, which have been cleared."""
        self._streams.pop(cell_index, None)
        self._surplus.pop(cell_index, None)
        super().clear_display_id_mapping(cell_index)

    def _stream(self, outs: list[NotebookNode], index: int, name: str) -> StreamText:
        streams = self._streams.setdefault(index, {})
        for output in reversed(outs):
            if output["output_type"] != "stream":
                break
            if output["name"] == name and id(output) in streams:
                return streams[id(output)]
        output = new_output("stream", name=name, text="")
        outs.append(output)
        streams[id(output)] = StreamText(output)
        return streams[id(output)]


def _shown(message: dict[str, Any]) -> NotebookNode:
    """What a kernel shows, as nbformat makes it, without holding each against the schema.

    That takes as long as all else that a runner does with it, and ipykernel makes these two.
    """
    content = message["content"]
    output = NotebookNode(output_type=message["msg_type"], data=content["data"])
    output.metadata = content["metadata"]
    if message["msg_type"] == "execute_result":
        output.execution_count = content["execution_count"]
    return output


def _order_streams(outputs: list[NotebookNode]) -> None:
    """Put standard output before standard error where both stand side by side."""
    for position in range(len(outputs) - 1):
        first, second = outputs[position], outputs[position + 1]
        if first["output_type"] == second["output_type"] == "stream" and first["name"] == "stderr":
            outputs[position], outputs[position + 1] = second, first
