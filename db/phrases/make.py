#!/usr/bin/env python3
"""Writes the phrase lists of `duet describe`, en.txt and zh.txt, from words.py.

    python3 db/phrases/make.py

Python 3.9 or later, nothing else. Every phrase stands in both lists, in the same order;
the order means nothing. A word that the list has under two headings comes once.
"""
import os

import words

HERE = os.path.dirname(os.path.abspath(__file__))
LICENCE = """\
# Phrases for `duet describe`, %s: things, scenes, doings, colours, materials.
# Made by db/phrases/make.py from words written for Duet; Apache License 2.0, as Duet.
"""

def article(word):
    return ("an " if word[0].lower() in "aeiou" and not word.startswith(("uni", "USB", "ukulele")) or word.startswith("hour") else "a ") + word


def nouns(text):
    """(english with its article, bare english, has one, measure word, Chinese) of each."""
    for entry in text.replace("\n", " ").split(";"):
        english, chinese = entry.strip().rsplit(" ", 1)
        mass = english.startswith("*")
        english = english.lstrip("*")
        yield (english if mass else article(english)), english, not mass, chinese[0], chinese[1:]


def pairs(text):
    for entry in text.replace("\n", " ").split(";"):
        if entry.strip():
            yield tuple(entry.strip().split("|"))


def things():
    for group in ("ANIMALS", "DOGS", "FRUIT", "DISHES", "PLANTS", "VEHICLES", "CLOTHES", "HOUSE", "TECH", "FUN", "PLACES"):
        for english, _, _, measure, chinese in nouns(getattr(words, group)):
            yield english, "一" + measure + chinese


def qualities():
    for colour, colour_zh in words.COLOURS:
        for _, english, single, measure, chinese in nouns(words.COLOURED):
            name = colour + " " + english
            yield (article(name) if single else name), "一" + measure + colour_zh + "的" + chinese
    for material, material_zh, text in words.MATERIALS:
        for _, english, single, measure, chinese in nouns(text):
            name = material + " " + english
            yield (article(name) if single else name), "一" + measure + material_zh + chinese


def doings():
    for subjects, actions in ((words.PEOPLE, words.ACTIONS), (words.PETS, words.PET_ACTIONS), (words.CATS, words.CAT_ACTIONS)):
        for who, who_zh in subjects:
            for what, what_zh in actions:
                yield who + " " + what, who_zh + what_zh
    for who, who_zh in words.PEOPLE[:5]:
        for what, what_zh in words.WEARING:
            worn = "背着" if what == "a backpack" else "戴着" if "hat" in what or "glasses" in what or "cap" in what or "helmet" in what else "穿着"
            yield who + " wearing " + what, worn + what_zh + "的" + who_zh[2:]


def main():
    phrases = {}
    for source in (things(), qualities(), doings(), pairs(words.SIGHTS)):
        for english, chinese in source:
            phrases.setdefault(english, chinese)
    for english, chinese in pairs(words.MANY):
        phrases.setdefault("several " + english, chinese)
    for lang, texts in (("en", phrases.keys()), ("zh", phrases.values())):
        with open(os.path.join(HERE, lang + ".txt"), "w", encoding="utf-8") as out:
            out.write(LICENCE % {"en": "English", "zh": "Chinese"}[lang])
            out.writelines(text + "\n" for text in dict.fromkeys(texts))
        print(lang, len(dict.fromkeys(texts)))


if __name__ == "__main__":
    main()
