"""Pictures that a script and a test in C make alike, and the hash that both compare."""
from PIL import Image


def noise(width, height):
    """The bytes that tests/encoder/noise.h makes: a linear congruential generator's high byte."""
    state, out = 1, bytearray(width * height * 3)
    for i in range(len(out)):
        state = (state * 1664525 + 1013904223) & 0xFFFFFFFF
        out[i] = state >> 24
    return Image.frombytes("RGB", (width, height), bytes(out))


def fnv1a(data):
    value = 0xCBF29CE484222325
    for byte in data:
        value = ((value ^ byte) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    return value
