"""A page that knows how often a browser has come: one call for one request."""

import sessile


@sessile.http
async def hello(request: sessile.Request) -> str:
    """The session belongs to the browser, by a cookie that the host sets; a websocket of the same app would share it."""
    # Two requests of one browser may run at once. So the count is saved only over the version that was read, and where
    # another was faster, it is read again.
    while True:
        session = await request.session.open()
        visits = session["visits"] = session.get("visits", 0) + 1
        try:
            await session.save(if_version=session.version)
            return greeting(visits)
        except sessile.Conflict:
            session.discard()


def greeting(visits: int) -> str:
    """What the peer reads."""
    if visits == 1:
        return "Hello, and welcome!\n"
    return f"Hello again, visit {visits}: restart the host, and I still know you.\n"
