"""The login, in Python: who posts a name goes by it in all of the app, in the room too, which is TypeScript."""

import sessile

NAME_MAX = 40


@sessile.http
async def login(request: sessile.Request) -> sessile.Response:
    """`POST` logs in, `DELETE` logs out, `GET` says who it is."""
    session = await request.session.open()
    if request.method == "POST":
        name = (await request.form()).get("name", "").strip()
        if not 1 <= len(name) <= NAME_MAX:
            return sessile.PlainTextResponse(f"a name has 1 to {NAME_MAX} characters\n", 422)
        # Under another id, so that one which a stranger has seen is worth nothing. It is saved with the answer.
        await session.cycle_id()
        session["user"] = name
        return sessile.RedirectResponse("/")
    if request.method == "DELETE":
        # The websockets of this session end with it.
        await session.flush()
        return sessile.Response(status_code=204)
    return sessile.JSONResponse({"user": session.get("user")})
