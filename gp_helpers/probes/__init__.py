"""Probes: HTTP and WebSocket clients that record what they do and see."""

from gp_helpers.probes.acting import NotDescribedError
from gp_helpers.probes.client import Client, Question
from gp_helpers.probes.expressions import search
from gp_helpers.probes.guest import Guest, LimitReachedError
from gp_helpers.probes.http import Exchange, HttpProbe
from gp_helpers.probes.http_client import new_client
from gp_helpers.probes.own_values import OwnValueError
from gp_helpers.probes.people import Person, label_of, new_canary, new_person
from gp_helpers.probes.presenting import WEBSOCKET, Decision
from gp_helpers.probes.silence import silence
from gp_helpers.probes.socket import Message, Socket
from gp_helpers.probes.supervisor import Supervisor

__all__ = [
    "WEBSOCKET",
    "Client",
    "Decision",
    "Exchange",
    "Guest",
    "HttpProbe",
    "LimitReachedError",
    "Message",
    "NotDescribedError",
    "OwnValueError",
    "Person",
    "Question",
    "Socket",
    "Supervisor",
    "label_of",
    "new_canary",
    "new_client",
    "new_person",
    "search",
    "silence",
]
