"""Groups, connections and alarms."""

import sessile
from answers import compact, optional, parsed, truth
from sessile import alarms, connections, groups


def at(position):
    return f"at {optional(position)}"


def given(text):
    return None if text == "-" else text


async def join_as(ws, line):
    group, since, tags, metadata = line.split(" ", 3)
    joined = await ws.join(
        group,
        metadata=None if metadata == "-" else parsed(metadata),
        tags=[] if tags == "-" else tags.split(","),
        since=given(since),
    )
    return f"{at(joined.position)} recovered {truth(joined.recovered)} publications {joined.publications}"


async def of_realtime(head, verb, line):
    match verb:
        case "publish-to":
            group, scope, text = line.split(" ", 2)
            tag, me = scope.removeprefix("tag:"), head if scope == "not-me" else None
            told = await groups.publish(group, text, tag=None if tag == scope else tag, exclude=me)
            return f"queued {told.queued} full {told.full} gone {told.gone} {at(told.position)}"
        case "members-count":
            return str(await groups.count(line))
        case "members":
            return "|".join([shown(member) async for member in groups.members(line)])
        case "history":
            group, since, limit = line.split(" ")
            page = await groups.history(group, since=given(since), limit=int(limit))
            answer = f"{at(page.position)} recovered {truth(page.recovered)}"
            return "|".join([answer, *(kept.message for kept in page.publications)])
        case "connections":
            return await of_connections(*line.split(" ", 1))
        case "alarm":
            return await of_alarms(head, *line.split(" ", 1))
    return "unsupported"


def shown(member):
    told = "(none)" if member.metadata is None else compact(member.metadata)
    return f"{told};{','.join(member.tags)}"


async def of_connections(verb, line):
    match verb:
        case "count":
            return str(await connections.count(route=line))
        case "list":
            return "|".join([f"{one.handler} {one.state}" async for one in connections.list(group=line)])
        case "lookup":
            found = await connections.lookup(int(line))
            return f"{found.handler} {found.route} {found.state}" if found else "(none)"
        case "send":
            id, text = line.split(" ", 1)
            queued = await connections.send_to(int(id), text)
            return "queued" if queued else "gone" if queued.gone else "full"
        case "send-all":
            route, text = line.split(" ", 1)
            told = await connections.send_to_all(text, route=route)
            return f"queued {told.queued} full {told.full} gone {told.gone}"
        case "ping":
            await connections.ping(int(line))
            return "ok"
        case "close":
            id, code, reason = line.split(" ", 2)
            await connections.close(int(id), int(code), reason)
            return "ok"
    return "unsupported"


async def of_alarms(head, verb, line=""):
    match verb:
        case "set" | "set-session":
            name, ms, payload = line.split(" ", 2)
            session = await head.session.open() if verb == "set-session" else None
            await alarms.set(name, int(ms) / 1000, payload, session=session)
            return "ok"
        case "list":
            return "|".join([alarm.name async for alarm in alarms.list()])
        case "cancel":
            return truth(await alarms.cancel(line))
    return "unsupported"


async def rung(alarm):
    payload = alarm.payload.decode()
    await sessile.publish("alarms", f"alarm {alarm.name} {alarm.attempt} {payload}")
    if payload == "fail" and alarm.attempt == 1:
        raise ValueError("told to fail")
    if payload == "session":
        session = await alarm.session.open()
        session["news"] = alarm.name
