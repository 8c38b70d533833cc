"""Commands of sessions."""

from datetime import timedelta

from answers import compact, optional, parsed, truth


async def of_session(session, line):
    verb, _, rest = line.partition(" ")
    match verb:
        case "open":
            pass
        case "get":
            return compact(session[rest]) if rest in session else "(none)"
        case "set":
            key, _, text = rest.partition(" ")
            session[key] = parsed(text)
        case "remove":
            was = rest in session
            session.pop(rest, None)
            return truth(was)
        case "contains":
            return truth(rest in session)
        case "keys":
            return "|".join(session)
        case "is-empty":
            return truth(not session)
        case "is-new":
            return truth(session.is_new)
        case "version":
            return str(session.version)
        case "clear":
            session.clear()
        case "discard":
            session.discard()
        case "save":
            await session.save()
        case "save-if":
            await session.save(if_version=int(rest))
        case "cycle":
            await session.cycle_id()
        case "flush":
            await session.flush()
        case "expiry":
            session.set_expiry(None if rest == "none" else timedelta(seconds=int(rest)))
        case "user":
            return optional(session.user)
        case _:
            return "unsupported"
    return "ok"
