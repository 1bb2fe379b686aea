"""Texts like the world's, drawn with a generator: prose, names, amounts, dates, addresses."""

from collections.abc import Callable, Sequence
from functools import cache
from string import ascii_lowercase, ascii_uppercase, digits
from typing import TypeVar

import numpy as np

from chainrule.reader.lines.texts import training_words

Rng = np.random.Generator

_T = TypeVar("_T")

_ACCENTS = {
    "a": "àáâãäå", "c": "ç", "e": "èéêë", "i": "ìíîï", "n": "ñ", "o": "òóôõöø", "s": "ß",
    "u": "ùúûü", "y": "ýÿ",
}  # fmt: skip
_MONTHS = "January February March April May June July August September October November December"
_DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday"
_UNITS = (
    "kg g mg km m cm mm l ml kWh W V A Hz MHz GB MB % °C bar psi rpm min s h lb oz ft in m² m³ x"
)
_CURRENCIES = "$ € £ RM USD EUR GBP CHF AUD INR"
_ENDINGS = "com org net de fr co.uk io edu gov info"
_TITLES = "Mr. Mrs. Dr. Prof. Ms. Sir"
_STREETS = "Street St. Road Rd. Avenue Ave. Lane Drive Square Jalan Rue Strasse Plaza Blvd."
_LABELS = (
    "Total Subtotal Tax VAT GST Cash Change Qty Price No. Tel Fax Date Time Invoice Item Due "
    "Page Ref ID Balance Rate Order Table Name Address Code Discount Rounding Payment"
)
_SYLLABLES = (
    "ba be bo ca co da de di do el en er fa fi ga go ha hu in is ja ka ki ko la le li lo ma mi mo "
    "na ne no on pa pe qu ra ri ro sa se si so ta te ti to ul va ve vi wa wi xa ya za zu th sh ch"
)


def world_text(rng: Rng, alphabet: str, length: int, kind: str | None = None) -> str:
    """About `length` characters of a kind of text, one of KINDS, drawn by how common they are.

    Runs of spaces are one, as truths have them. What the alphabet lacks is left out. None of the
    words that are held out for evaluation is in it, but by chance.
    """
    known = _known(alphabet)
    for _ in range(20):
        name = kind or _drawn(rng)
        text = KINDS[name](rng, length)
        kept = (" " if " " in known else "").join("".join(filter(known.__contains__, text)).split())
        # a text that lost much is none any more
        if kept and len(kept) >= 0.7 * len(text):
            return kept
    return "".join(_pick(rng, [c for c in alphabet if c != " "]) for _ in range(max(1, length)))


def prose(rng: Rng, length: int) -> str:
    """A piece of running text, as a line of a page is one: it may begin and end anywhere."""
    text, opened = "", ""
    capital = rng.random() < 0.4
    while len(text) < length:
        word = _word(rng)
        if rng.random() < 0.06:
            word = _name(rng)
        elif rng.random() < 0.05:
            word = _number(rng)
        elif rng.random() < 0.04:
            word = _marked(rng)
        elif rng.random() < 0.03:
            word = word + "-" + _word(rng)
        elif rng.random() < 0.02:
            word = word + _pick(rng, ["'s", "’s", "n't", "'ll"])
        if capital:
            word = word[:1].upper() + word[1:]
        capital = False
        if not opened and rng.random() < 0.04:
            opened = _pick(rng, ["()", '""', "“”", "()", "''", "[]", "‘’"])
            word = opened[0] + word
        elif opened and rng.random() < 0.4:
            word, opened = word + opened[1], ""
        chance = rng.random()
        if chance < 0.09:
            word += ","
        elif chance < 0.15:
            word += _pick(rng, list(".......?!:;"))
            capital = word[-1] in ".?!"
        elif chance < 0.16:
            word += _pick(rng, [" -", " –", " —", "—", "…", "..."])
        text += (" " if text else "") + word
    if rng.random() < 0.2:
        cut = int(rng.integers(1, 4))
        text = text[:-cut] + "-" if len(text) > 8 and text[-cut - 1 :].isalpha() else text
    return text


def title(rng: Rng, length: int) -> str:
    """Words with capitals: headings, shop signs, labels."""
    text = ""
    style = rng.integers(4)
    while len(text) < length:
        word = _word(rng) if rng.random() < 0.75 else _name(rng)
        word = [word.upper(), word.capitalize(), word.upper(), word][style]
        if rng.random() < 0.05:
            word = _pick(rng, ["&", "No.", _number(rng), "of", "and", "+", "/"])
        text += (" " if text else "") + word
        if rng.random() < 0.25:
            break
    return text + _pick(rng, ["", "", "", "", ":", "!", ".", "..."])


def word(rng: Rng, length: int) -> str:
    """One word or number, as a scene has them."""
    text = _word(rng) if rng.random() < 0.8 else _name(rng)
    chance = rng.random()
    if chance < 0.45:
        text = text.upper()
    elif chance < 0.7:
        text = text.capitalize()
    if rng.random() < 0.12:
        return _number(rng)
    return text + (_pick(rng, list(",.!:;'\"-&®™")) if rng.random() < 0.08 else "")


def sign(rng: Rng, length: int) -> str:
    """What a sign or a poster says, or one word of it: mostly a word, often in capitals."""
    chance = rng.random()
    if chance < 0.7:
        return word(rng, length)
    if chance < 0.78:
        return f"{_word(rng)} {_word(rng)}".upper() if rng.random() < 0.6 else title(rng, 9)
    number = int(rng.integers(1, 100))
    style = int(rng.integers(9))
    if style == 0:
        return _string(rng, ascii_uppercase, int(rng.integers(1, 4)))
    if style == 1:
        return _word(rng).capitalize() + _word(rng).capitalize()
    if style == 2:
        return _word(rng).capitalize() + _pick(rng, ["-", "-", " & ", "/"]) + _word(rng)
    return [
        f"{number}%", f"{_pick(rng, list('$£€'))}{number}.{rng.integers(100):02d}",
        f"{number}{_pick(rng, ['th', 'st', 'nd', 'TH', 'km', 'm', 'h', '¢'])}",
        f"{1850 + rng.integers(180)}", _string(rng, digits, int(rng.integers(3, 8))),
        _name(rng) + _pick(rng, ["'s", "’s", "'S"]),
    ][style - 3]  # fmt: skip


def till(rng: Rng, length: int) -> str:
    """A line, or a column of one, of a till's receipt: goods, sums, numbers, thanks."""
    style = int(rng.integers(10))
    cents = _pick(rng, [0, 50, int(rng.integers(100))])
    price = f"{rng.integers(10 ** rng.integers(1, 4))}.{cents:02d}"
    goods = " ".join(_word(rng) for _ in range(rng.integers(1, 4)))
    goods = goods.upper() if rng.random() < 0.75 else goods.title()
    count = int(rng.integers(1, 20))
    mark = _pick(rng, ["", "", "", " S", " SR", " Z", " *", "-", " T", "*S", " A"])
    label = " ".join(_pick(rng, _LABELS.split()) for _ in range(rng.integers(1, 3)))
    label = label.upper() if rng.random() < 0.5 else label
    colon = _pick(rng, [":", " :", "", " : ", ": "])
    if style < 2:
        return price + mark
    if style == 2:
        return _pick(rng, ["RM", "$", "RM ", "£", "€", "EUR "]) + price + mark
    if style == 3:
        return f"{goods} {price}{mark}"
    if style == 4:
        return f"{count} {goods}"
    if style == 5:
        times = _pick(rng, [" @ ", "@", " x ", "x", " X "])
        return f"{count}{times}{price}"
    if style == 6:
        percent = _pick(rng, ["6%", "0%", "20%", "7.5%", "19 %", "10.00%"])
        return f"{label} {_pick(rng, ['@', '(', '@ ', ''])}{percent}"
    if style == 7:
        return f"{label}{colon}{_string(rng, digits, int(rng.integers(4, 15)))}"
    if style == 8:
        return f"{label}{colon}{price}{mark}"
    return f"{label}{colon}"


def entry(rng: Rng, length: int) -> str:
    """A label and its value, as receipts, forms and bills have them."""
    label = " ".join(_pick(rng, _LABELS.split()) for _ in range(rng.integers(1, 3)))
    if rng.random() < 0.4:
        label = title(rng, int(rng.integers(3, 14))).strip(":!.")
    if rng.random() < 0.5:
        label = label.upper()
    value = _pick(rng, [amount, amount, date, code, phone, quantity])(rng, length)
    between = _pick(rng, [" ", ": ", " : ", " ", " - ", ":"])
    return label + between + value if rng.random() < 0.8 else label + _pick(rng, [":", "", " :"])


def amount(rng: Rng, length: int) -> str:
    """A sum of money, in many ways of writing it."""
    whole = int(rng.integers(10 ** rng.integers(1, 6)))
    number = f"{whole:,}.{0 if rng.random() < 0.25 else rng.integers(100):02d}"
    if rng.random() < 0.2:
        number = number.replace(",", " ").replace(".", ",")
    elif rng.random() < 0.3:
        number = number.replace(",", "")
    currency = _pick(rng, _CURRENCIES.split())
    style = rng.integers(6)
    if style < 3:
        return number + _pick(rng, ["", "", "", "-", "*", "%", " A", " S", " SR"])
    gap = " " if len(currency) > 1 or rng.random() < 0.2 else ""
    return number + " " + currency if style == 3 else currency + gap + number


def date(rng: Rng, length: int) -> str:
    """A date or a time or both."""
    year, month, day = 1950 + rng.integers(90), rng.integers(1, 13), rng.integers(1, 29)
    name = _MONTHS.split()[month - 1]
    name = _pick(rng, [name, name[:3], name[:3].upper()])
    mark = _pick(rng, list("/.-"))
    clock = f"{rng.integers(24):02d}:{rng.integers(60):02d}"
    clock += _pick(rng, ["", f":{rng.integers(60):02d}", " AM", " PM", "pm", " h"])
    days = [
        f"{day:02d}{mark}{month:02d}{mark}{year}",
        f"{day}{mark}{month}{mark}{year % 100:02d}",
        f"{year}-{month:02d}-{day:02d}",
        f"{day} {name} {year}",
        f"{name} {day}, {year}",
        f"{day:02d}{name[:3]}{year}",
        f"{_pick(rng, _DAYS.split())}, {day} {name}",
    ]
    style = rng.random()
    if style < 0.2:
        return clock
    return _pick(rng, days) + (" " + clock if style > 0.75 else "")


def code(rng: Rng, length: int) -> str:
    """A serial number, a part number, a reference: letters and digits by groups."""
    kinds = _pick(
        rng, [digits, digits, ascii_uppercase, digits + ascii_uppercase, "0123456789ABCDEF"]
    )
    if rng.random() < 0.08:
        kinds = ascii_lowercase + digits
    if rng.random() < 0.12:  # what is told apart by shape alone
        kinds = _pick(rng, ["0O8B6G", "1I7L", "5S2Z", "0OQD", "1I0O5S8B", "rnmuvw"])
    mark = _pick(rng, ["", "", "-", " ", "/", ".", "_", "#"])
    groups = [_string(rng, kinds, int(rng.integers(2, 9))) for _ in range(rng.integers(1, 4))]
    if rng.random() < 0.3:
        groups[0] = _string(rng, ascii_uppercase, int(rng.integers(1, 4)))
    return mark.join(groups)


_PLATES = (
    "LL DDD LL", "LL DDD LL", "LLL DDD", "LLL DDD", "LL DD LLL", "LLL DDDD", "DDD LLL", "L DDD LL",
    "LL DDDD", "LLL-DDDD", "LL-DDD-LL", "LLLDLDD", "DD LLL DD", "L-LL DDDD", "LLDDLLDDDD",
    "LL DD LL DDDD", "DDDD LL D", "DDDD LLL", "DLLLDDD", "LLDDDLL", "LLDDDD", "LLLDDD", "LLL DD L",
    "L DDDDD", "LL DDDDD", "DD-LL-DD", "LL-DD-DD", "D LLL DDD", "LDDDLL DD", "LDDDLL DDD",
    "LLDDLLL",
    "DDD DDD", "LLDD DDDD", "LLL DLDD", "LL LDDDD", "LDDDDD",
)  # fmt: skip


def plate(rng: Rng, length: int) -> str:
    """A number plate of some country: letters and digits by a pattern, often without the letters
    that look like digits."""
    letters = ascii_uppercase if rng.random() < 0.5 else "ABCDEFGHJKLMNPRSTUVWXYZ"
    kinds = {"L": letters, "D": digits}
    pattern = _pick(rng, _PLATES)
    return "".join(_pick(rng, kinds[c]) if c in kinds else c for c in pattern)


def reading(rng: Rng, length: int) -> str:
    """What a meter, a pump, a clock or a scale shows."""
    number = _string(rng, digits, int(rng.integers(1, 8)))
    if rng.random() < 0.35:
        number = "0" * int(rng.integers(1, 5)) + number[:6]
    style = rng.random()
    if style < 0.45 and len(number) > 1:
        place = int(rng.choice((1, 2, 3), p=(0.45, 0.35, 0.2)))
        place = min(place, len(number) - 1)
        return number[:-place] + "." + number[-place:]
    if style < 0.53:
        hour = str(rng.integers(24))
        hour = hour if rng.random() < 0.4 else hour.zfill(2)
        seconds = f":{rng.integers(60):02d}" if rng.random() < 0.2 else ""
        return f"{hour}:{rng.integers(60):02d}{seconds}"
    return "-" + number if style < 0.56 else number


def digit(rng: Rng, length: int) -> str:
    """Some digits of a counter, often one alone."""
    if rng.random() < 0.5:
        return _string(rng, digits, 1)
    count = int(rng.integers(2, 9))
    zeros = int(rng.integers(1, count)) if rng.random() < 0.3 else 0
    return "0" * zeros + _string(rng, digits, count - zeros)


def quantity(rng: Rng, length: int) -> str:
    """A number with a unit."""
    number = _number(rng)
    return number + _pick(rng, ["", " ", " "]) + _pick(rng, _UNITS.split())


def phone(rng: Rng, length: int) -> str:
    """A telephone number."""
    parts = [_string(rng, digits, int(rng.integers(2, 5))) for _ in range(rng.integers(2, 4))]
    first = _pick(rng, ["", "", "+", "0", "(0"])
    text: str = first + _pick(rng, ["-", " ", ""]).join(parts)
    return text + ")" if first == "(0" and rng.random() < 0.5 else text


def address(rng: Rng, length: int) -> str:
    """A postal address, or a part of one."""
    street = f"{_name(rng)} {_pick(rng, _STREETS.split())}"
    number = str(rng.integers(1, 400))
    place = f"{_string(rng, digits, 5)} {_name(rng)}"
    parts = [f"{number}, {street}", f"{street} {number}", place, f"Lot {number}", _name(rng)]
    text = ", ".join(_pick(rng, parts) for _ in range(rng.integers(1, 4)))
    text += _pick(rng, [",", ".", "", ""])
    return text.upper() if rng.random() < 0.4 else text


def link(rng: Rng, length: int) -> str:
    """A web or e-mail address, or a path."""
    name = "".join(_word(rng).lower() for _ in range(rng.integers(1, 3)))
    host, some = f"{name}.{_pick(rng, _ENDINGS.split())}", _word(rng).lower()
    style = rng.integers(6)
    if style == 0:
        return _pick(rng, ["www.", "http://", "https://", "https://www."]) + host
    if style == 1:
        who = _pick(
            rng, [some, f"{some}.{_word(rng)}", "info", "sales", f"{some}{rng.integers(99)}"]
        )
        return f"{who}@{host}"
    if style == 2:
        end = _pick(rng, ["", ".html", "/", f"?id={rng.integers(999)}"])
        return f"www.{host}/{some}{end}"
    if style == 3:
        first = _pick(rng, ["~/", "/usr/", "C:\\", "./", ""])
        return f"{first}{some}/{_word(rng)}_{_word(rng)}.txt"
    return f"<{some}@{host}>;" if style == 4 else host


def passport(rng: Rng, length: int) -> str:
    """A line of the machine-readable zone of a passport."""
    if rng.random() < 0.5:
        names = "<".join(_name(rng).upper() for _ in range(rng.integers(1, 3)))
        text = f"P<{_string(rng, ascii_uppercase, 3)}{_name(rng).upper()}<<{names}"
    else:
        text = _string(rng, digits + ascii_uppercase, 9) + _string(rng, digits, 1)
        text += _string(rng, ascii_uppercase, 3) + _string(rng, digits, 7) + _pick(rng, ["M", "F"])
        text += _string(rng, digits, 7)
    return text.ljust(44, "<")[: max(10, length)]


def cells(rng: Rng, length: int) -> str:
    """Cells of a table beside each other."""
    kinds = [amount, quantity, date, code, title, amount]
    parts = [_pick(rng, kinds)(rng, 8) for _ in range(rng.integers(2, 6))]
    return " ".join(parts)


def source_code(rng: Rng, length: int) -> str:
    """A piece of a program or a command."""
    one, other = _word(rng).lower(), _word(rng).lower()
    number = _number(rng)
    return _pick(
        rng,
        [
            f"{one}_{other} = {number};", f"if ({one} == {number}) {{", f"def {one}({other}):",
            f"{one}[{rng.integers(10)}] += {other}", f"$ {one} --{other}={number}",
            f"# {one} {other}",
            f'print("{one} {other}")', f"<{one} {other}=\"{number}\">", f"{one}->{other}(&{one});",
            f"[{one}] {other}: {number}%", f"{one} | {other} ~ ^{number}", f"@{one} \\{other}`",
        ],
    )  # fmt: skip


def citation(rng: Rng, length: int) -> str:
    """Names, years, volumes, pages: the end of a paper."""
    initials = ". ".join(_string(rng, ascii_uppercase, 1) for _ in range(rng.integers(1, 3)))
    year = 1900 + rng.integers(126)
    text = f"{_name(rng)}, {initials}., {title(rng, 20)} Vol. {rng.integers(300)}, "
    text += f"pp. {rng.integers(900)}-{rng.integers(900)} ({year})."
    return _pick(rng, [text, f"[{rng.integers(99)}] {text}", f"{_name(rng)} et al. ({year})"])[
        :length
    ]


def strings(rng: Rng, length: int) -> str:
    """Any characters in strings, so that the reader learns characters and not the words."""
    text = ""
    everything = "".join(map(chr, range(33, 127)))
    while len(text) < length:
        kinds = _pick(
            rng, [ascii_lowercase, ascii_uppercase, digits, everything, everything, _odd()]
        )
        text += (" " if text else "") + _string(rng, kinds, int(rng.integers(1, 9)))
    return text[: max(1, length)]


KINDS: dict[str, Callable[[Rng, int], str]] = {
    "prose": prose,
    "title": title,
    "word": word,
    "sign": sign,
    "till": till,
    "entry": entry,
    "amount": amount,
    "date": date,
    "code": code,
    "quantity": quantity,
    "phone": phone,
    "address": address,
    "link": link,
    "passport": passport,
    "cells": cells,
    "source_code": source_code,
    "citation": citation,
    "strings": strings,
    "plate": plate,
    "reading": reading,
    "digit": digit,
}
_SHARES = {
    "prose": 0.34, "title": 0.1, "word": 0.06, "till": 0.03, "sign": 0.01, "entry": 0.07,
    "amount": 0.04, "date": 0.03, "code": 0.05, "quantity": 0.02, "phone": 0.015, "address": 0.03,
    "link": 0.03, "passport": 0.01, "cells": 0.03, "source_code": 0.03, "citation": 0.03,
    "strings": 0.1,
}  # fmt: skip


def _drawn(rng: Rng) -> str:
    names, shares = list(_SHARES), np.array(list(_SHARES.values()))
    return names[int(np.searchsorted(np.cumsum(shares / shares.sum()), rng.random()))]


def _pick(rng: Rng, things: Sequence[_T]) -> _T:
    return things[int(rng.integers(len(things)))]


def _string(rng: Rng, kinds: str, length: int) -> str:
    return "".join(kinds[place] for place in rng.integers(len(kinds), size=length))


@cache
def _known(alphabet: str) -> frozenset[str]:
    return frozenset(alphabet)


@cache
def _odd() -> str:
    accents = "".join(_ACCENTS.values())
    capitals = "".join(c.upper() for c in accents if len(c.upper()) == 1)
    return accents + capitals + "€£§°©®™–—‘’“”•«»¿¡½²³µ"


def _word(rng: Rng) -> str:
    words = training_words()
    found: str = words[int(rng.integers(len(words)))]
    if rng.random() < 0.07:
        places = [i for i, c in enumerate(found) if c in _ACCENTS]
        if places:
            at = _pick(rng, places)
            found = found[:at] + _pick(rng, _ACCENTS[found[at]]) + found[at + 1 :]
    return found


def _name(rng: Rng) -> str:
    """A word, or syllables, with a capital: names are not in the dictionary."""
    if rng.random() < 0.4:
        return _word(rng).capitalize()
    parts = (_pick(rng, _SYLLABLES.split()) for _ in range(rng.integers(2, 4)))
    found = "".join(parts).capitalize()
    if rng.random() < 0.08:
        return _pick(rng, ["Mc", "O'", "De ", "van "]) + found
    return f"{_pick(rng, _TITLES.split())} {found}" if rng.random() < 0.02 else found


def _marked(rng: Rng) -> str:
    """What running text has besides words: references, abbreviations, short sums."""
    number = int(rng.integers(1, 200))
    return _pick(
        rng,
        [
            f"[{number}]", f"[{number},", f"({1900 + number})", f"({_word(rng)})", f"{number}%",
            "e.g.,", "i.e.,", "(i.e.", "al.,", "Fig.", f"Eq. ({number % 20})", f"= {number / 10};",
            "R&D", "U.S.", f"No. {number}", f"{number}-{number + 3}", f"§{number}", "a.m.", "etc.",
            f"{_word(rng)}/{_word(rng)}", _word(rng).upper(), f"{_word(rng).capitalize()}'s",
            f"{_word(rng).capitalize()}{_word(rng).capitalize()}", f"*{_word(rng)}", f"{number}th",
        ],
    )  # fmt: skip


def _number(rng: Rng) -> str:
    whole = int(rng.integers(10 ** int(rng.integers(1, 6))))
    style = rng.random()
    if style < 0.3:
        return f"{whole / 100:.{rng.integers(1, 4)}f}"
    return f"{whole:,}" if style < 0.5 else str(whole)
