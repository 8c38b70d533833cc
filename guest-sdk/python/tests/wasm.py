"""Writes core modules and components."""


def number(value):
    return bytes([value]) if value < 0x80 else bytes([value & 0x7F | 0x80]) + number(value >> 7)


def vector(*elements):
    return number(len(elements)) + b"".join(elements)


def section(kind, content):
    return bytes([kind]) + number(len(content)) + content


def name(text):
    return number(len(text)) + text


def core(*sections):
    return b"\0asm\x01\0\0\0" + b"".join(sections)
