"""A host of a few lines, in the place of componentize-py's bindings: what the SDK calls is noted, and answered from here.

Imported before `sessile`.
"""

from __future__ import annotations

import asyncio
import sys
from dataclasses import dataclass, field, make_dataclass
from enum import Enum
from types import ModuleType
from typing import Any


@dataclass(frozen=True)
class Err(Exception):
    """As componentize-py has it: frozen."""

    value: Any


def case(name: str, *fields: str) -> type:
    """A case of a variant, or a record, as componentize-py names them."""
    return make_dataclass(name, fields)


class State(Enum):
    CONNECTING = 0
    OPEN = 1
    CLOSING = 2
    CLOSED = 3


class Kind(Enum):
    TEXT = 0
    BINARY = 1


class Level(Enum):
    TRACE = 0
    DEBUG = 1
    INFO = 2
    WARN = 3
    ERROR = 4


Message_Text, Message_Binary = case("Message_Text", "value"), case("Message_Binary", "value")
Position = case("Position", "epoch", "offset")
CloseInfo, Failure, Excess = case("CloseInfo", "code", "reason"), case("Failure", "message"), case("Excess", "actual", "limit")


def fail(name: str, *value: Any) -> Err:
    """An error of the host's."""
    return Err(case(f"Error_{name}", *(["value"] if value else []))(*value))


@dataclass
class Host:
    """What is asked, and what is answered."""

    calls: list[tuple[Any, ...]] = field(default_factory=list)
    log: list[tuple[str, str]] = field(default_factory=list)
    inbox: asyncio.Queue[Any] = field(default_factory=asyncio.Queue)
    session: dict[str, bytes] = field(default_factory=dict)
    body: list[bytes] = field(default_factory=list)
    pages: list[Any] = field(default_factory=list)
    attachment: bytes = b""
    head: dict[str, Any] = field(default_factory=lambda: {
        "method": "GET", "scheme": "ws", "authority": "u:secret@host:8000", "path": "/rooms/a%20b", "query": "q=1&q=%32+&e=",
        "params": [("room", "a b")], "version": "1.1", "peer_address": "[::1]:50312", "local_address": "127.0.0.1:8000",
        "headers": [("cookie", "a=1; b=2"), ("x-one", "é"), ("x-one", "2")], "started_at": 1_500_000_000,
    })
    #: Raised by the next call.
    error: Err | None = None

    def note(self, *call: Any) -> None:
        self.calls.append(call)
        error, self.error = self.error, None
        if error:
            raise error


host = Host()


def reset() -> Host:
    """A host that nobody has asked yet."""
    host.__init__()  # type: ignore[misc]
    return host


def module(name: str, **names: Any) -> ModuleType:
    made = ModuleType(name)
    vars(made).update(names)
    sys.modules[name] = made
    return made


def awaited(name: str, answer: Any = None) -> Any:
    """An async import, which notes its call."""

    async def call(*args: Any) -> Any:
        host.note(name, *args)
        return answer

    return call


def plain(name: str, answer: Any = None) -> Any:
    """As `awaited`, of a plain one."""

    def call(*args: Any) -> Any:
        host.note(name, *args)
        return answer

    return call


def paged(name: str, key: Any) -> Any:
    """An async import of what comes in pages: of `host.pages`, in the order of the key."""

    async def call(*args: Any) -> Any:
        host.note(name, *args)
        *_, after, limit = args
        return [one for one in host.pages if after is None or key(one) > after][:limit]

    return call


async def receive(ws: int, timeout: int | None) -> Any:
    host.note("receive", ws, timeout)
    try:
        message = await asyncio.wait_for(host.inbox.get(), None if timeout is None else timeout / 1e9)
    except TimeoutError:
        raise fail("TimedOut") from None
    if isinstance(message, Err):
        raise message
    return Message_Text(message) if isinstance(message, str) else Message_Binary(message)


async def read(ex: int, most: int) -> bytes | None:
    host.note("read", ex)
    return host.body.pop(0) if host.body else None


def set_attachment(ws: int, content: bytes) -> None:
    host.note("set_attachment", ws, content)
    host.attachment = content


def get(of: int, key: str) -> bytes | None:
    host.note("get", of, key)
    return host.session.get(key)


def set_(of: int, key: str, value: bytes) -> None:
    host.note("set", of, key, value)
    host.session[key] = value


def remove(of: int, key: str) -> bool:
    return host.session.pop(key, None) is not None


module("componentize_py_types", Err=Err)
types = module(
    "wit_world.imports.types", Message_Text=Message_Text, Message_Binary=Message_Binary, CloseInfo=CloseInfo,
    Failure=Failure, Kind=Kind,
    header=lambda of, name: [value for known, value in host.head["headers"] if known == name],
)
for _name in host.head:
    setattr(types, _name, lambda of, name=_name: host.head[name])
websocket = module(
    "wit_world.imports.websocket", receive=receive, get_state=lambda ws: State.OPEN, accept=awaited("accept"),
    reject=awaited("reject"), close=awaited("close"), send=awaited("send"), ping=awaited("ping", 1_500_000),
    try_send=plain("try_send", case("Queued_Queued", "value")(7)), set_attachment=set_attachment,
    attachment=lambda ws: host.attachment,
)
raw = module(
    "wit_world.imports.raw", send=awaited("raw.send"), Accept=case("Accept", "subprotocol", "headers"),
    Outgoing_Accept=case("Outgoing_Accept", "value"), Outgoing_Message=case("Outgoing_Message", "value"),
    Outgoing_Close=case("Outgoing_Close", "value"), ResponseStart=case("ResponseStart", "status", "headers"),
    Outgoing_ResponseStart=case("Outgoing_ResponseStart", "value"), ResponseBody=case("ResponseBody", "body", "more"),
    Outgoing_ResponseBody=case("Outgoing_ResponseBody", "value"),
    receive=awaited("raw.receive", case("Incoming_Message", "value")(Message_Text("hi"))),
)
http = module(
    "wit_world.imports.http", Response=case("Response", "status", "headers"), read=read, send=awaited("send"),
    send_start=awaited("send_start"), send_chunk=awaited("send_chunk"), send_finished=awaited("send_finished"),
    send_raw=awaited("send_raw"), send_cancel=plain("send_cancel"), dispose=plain("dispose"),
)
session = module(
    "wit_world.imports.session", open=awaited("open"), get=get, set=set_, remove=remove,
    keys=lambda of: sorted(host.session), clear=lambda of: host.session.clear(), save=awaited("save", 8),
    version=lambda of: 7, is_new=lambda of: False, discard=plain("discard"), set_expiry=plain("set_expiry"),
    cycle_id=awaited("cycle_id"), flush=awaited("flush"),
)
groups = module(
    "wit_world.imports.groups", join=awaited("join"), leave=awaited("leave"), Position=Position,
    publish=awaited("publish", case("Publication", "queued", "dropped")(3, 1)),
    Scope=case("Scope", "tag", "except_"), Membership=case("Membership", "metadata", "tags", "since"),
    publish_to=awaited("publish_to", case("Delivery", "queued", "full", "gone", "position")(2, 1, 0, Position(2**63, 4))),
    join_as=awaited("join_as", case("Joined", "position", "recovered", "publications")(Position(1, 3), True, 1)),
    count=awaited("count", 5), members=paged("members", lambda member: member.id), history=awaited("history"),
)
alarms = module(
    "wit_world.imports.alarms", Owner_App=case("Owner_App"), Owner_Session=case("Owner_Session", "value"),
    set=awaited("set_alarm"), cancel=awaited("cancel", True), list=paged("list", lambda alarm: alarm.name),
)
connections = module(
    "wit_world.imports.connections", Selection=case("Selection", "route", "handler", "group", "session_of"),
    count=awaited("count", 3), list=paged("list", lambda found: found.id), lookup=awaited("lookup"),
    send_to=awaited("send_to", case("Queued_Queued", "value")(7)), ping=awaited("ping", 1_500_000), close=awaited("close"),
    send_to_all=awaited("send_to_all", case("Delivery", "queued", "full", "gone", "too_large")(1, 2, 3, 4)),
)
time = module("wit_world.imports.time", sleep=awaited("sleep"))
log = module("wit_world.imports.log", Level=Level, write=lambda level, line: host.log.append((level.name, line)))
_imports = module(
    "wit_world.imports", alarms=alarms, connections=connections, groups=groups, http=http, log=log, raw=raw, session=session, time=time, types=types,
    websocket=websocket,
)
_handler = module(
    "wit_world.exports.websocket_handler", Outcome_Done=case("Outcome_Done"), Outcome_Handoff=case("Outcome_Handoff")
)
module("wit_world", imports=_imports, exports=module("wit_world.exports", websocket_handler=_handler))
