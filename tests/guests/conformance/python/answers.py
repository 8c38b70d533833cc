"""What commands and answers are made of."""

import json

import sessile


def compact(value):
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def optional(value):
    return "(none)" if value is None else str(value)


def truth(value):
    return "true" if value else "false"


def parsed(text):
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise sessile.BadJSON(error.msg, error.lineno, error.colno) from None
