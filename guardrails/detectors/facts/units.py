"""Units and currencies: each name with its dimension and its size in the dimension's base unit."""

from __future__ import annotations

import re

__all__ = ["BEFORE", "UNIT", "sized"]

# dimension: {names: size in the base unit}; a range where a unit is not of one length (a month) or is read in two ways (kB).
# "_" stands for a blank within a name.
_TABLE: dict[str, dict[str, float | tuple[float, float]]] = {
    "days": {
        "ms millisecond milliseconds": 1 / 86_400_000,
        "s sec secs second seconds": 1 / 86_400,
        "min mins minute minutes": 1 / 1440,
        "h hr hrs hour hours": 1 / 24,
        "d day days night nights": 1.0,
        "week weeks wk wks": 7.0,
        "fortnight fortnights": 14.0,
        "month months mo mos": (28.0, 31.0),
        "year years yr yrs": (365.0, 366.0),
        "decade decades": (3652.0, 3653.0),
        "century centuries": (36524.0, 36525.0),
    },
    "working days": {"working_day working_days business_day business_days workday workdays": 1.0},
    "metres": {
        "mm millimetre millimetres millimeter millimeters": 0.001, "cm centimetre centimetres centimeter centimeters": 0.01,
        "m metre metres meter meters": 1.0, "km kms kilometre kilometres kilometer kilometers": 1000.0,
        "inch inches": 0.0254, "ft foot feet": 0.3048, "yd yard yards": 0.9144, "mile miles mi": 1609.344,
    },
    "kilograms": {
        "mg milligram milligrams": 1e-6, "g gram grams gramme grammes": 1e-3, "kg kgs kilo kilos kilogram kilograms": 1.0,
        "t ton tons tonne tonnes": 1000.0, "lb lbs": 0.45359237, "oz ounce ounces": 0.028349523,
    },
    "litres": {
        "ml millilitre millilitres milliliter milliliters": 0.001, "cl": 0.01, "dl": 0.1, "l litre litres liter liters": 1.0,
        "gal gallon gallons": (3.785, 4.546), "pint pints": (0.473, 0.568),
    },
    "square metres": {"m² m2 sqm sq_m square_metres square_meters": 1.0, "km² km2": 1e6, "hectare hectares ha": 1e4, "acre acres": 4046.856, "sqft sq_ft ft² square_feet": 0.092903},
    "cubic metres": {"m³ m3": 1.0},
    "bytes": {
        "byte bytes": 1.0, "kb kib kilobyte kilobytes": (1e3, 1024.0), "mb mib megabyte megabytes": (1e6, 1024.0**2),
        "gb gib gigabyte gigabytes gigs": (1e9, 1024.0**3), "tb tib terabyte terabytes": (1e12, 1024.0**4), "pb": (1e15, 1024.0**5),
    },
    "bit/s": {"bit/s bps": 1.0, "kbit/s kbps kbit": 1e3, "mbit/s mbps mbit": 1e6, "gbit/s gbps gbit": 1e9},
    "km/h": {"km/h kph kmh kilometres_per_hour kilometers_per_hour": 1.0, "mph miles_per_hour": 1.609344, "m/s": 3.6},
    "watts": {"w watt watts": 1.0, "kw kilowatt kilowatts": 1e3, "mw megawatt megawatts": 1e6, "gw": 1e9},
    "watt-hours": {"wh": 1.0, "kwh kilowatt-hour kilowatt-hours": 1e3, "mwh": 1e6, "gwh": 1e9},
    "calories": {"kcal calorie calories": 1.0},
    "volts": {"v volt volts": 1.0, "kv": 1e3},
    "amperes": {"amp amps ampere amperes": 1.0},
    "ampere-hours": {"mah": 0.001, "ah": 1.0},
    "hertz": {"hz": 1.0, "khz": 1e3, "mhz": 1e6, "ghz": 1e9},
    "pascals": {"bar bars": 1e5, "psi": 6894.757, "kpa": 1e3, "mbar hpa": 100.0},
    "decibels": {"db decibel decibels": 1.0},
    "pixels": {"px pixel pixels": 1.0},
    "°C": {"°c celsius degrees_celsius ℃ degrees_c": 1.0},
    "°F": {"°f fahrenheit degrees_fahrenheit ℉ degrees_f": 1.0},
    "°": {"° degree degrees": 1.0},
    "%": {"% percent per_cent pct percentage_point percentage_points": 1.0},
    "money:$": {"$ dollar dollars buck bucks": 1.0, "cent cents ¢": 0.01},
    "money:USD": {"usd us$ us_dollars": 1.0}, "money:CAD": {"cad c$": 1.0}, "money:AUD": {"aud a$": 1.0}, "money:NZD": {"nzd nz$": 1.0},
    "money:SGD": {"sgd s$": 1.0}, "money:HKD": {"hkd hk$": 1.0}, "money:EUR": {"€ eur euro euros": 1.0, "ct": 0.01},
    "money:GBP": {"£ gbp pound pounds quid": 1.0, "p pence penny": 0.01}, "money:¥": {"¥": 1.0}, "money:JPY": {"jpy yen": 1.0},
    "money:CNY": {"cny yuan rmb": 1.0}, "money:INR": {"₹ inr rupee rupees rs": 1.0}, "money:CHF": {"chf franc francs": 1.0},
    "money:kr": {"kr krona kronor krone kroner crowns": 1.0}, "money:SEK": {"sek": 1.0}, "money:NOK": {"nok": 1.0}, "money:DKK": {"dkk": 1.0},
    "money:ISK": {"isk": 1.0}, "money:PLN": {"pln zloty zł": 1.0}, "money:CZK": {"czk kč": 1.0}, "money:HUF": {"huf forint forints": 1.0},
    "money:RON": {"ron lei": 1.0}, "money:TRY": {"try ₺ lira": 1.0}, "money:ZAR": {"zar rand": 1.0}, "money:BRL": {"brl r$ reais": 1.0},
    "money:MXN": {"mxn peso pesos": 1.0}, "money:KRW": {"krw ₩": 1.0}, "money:ILS": {"ils ₪ shekel shekels": 1.0},
    "money:UAH": {"uah ₴ hryvnia": 1.0}, "money:THB": {"thb ฿ baht": 1.0}, "money:AED": {"aed dirham dirhams": 1.0},
    "money:SAR": {"sar riyal riyals": 1.0}, "money:NGN": {"ngn ₦ naira": 1.0}, "money:KES": {"kes": 1.0},
}  # fmt: skip
# Names that are other words when they stand apart from the number.
_GLUED = frozenset(
    {"d", "m", "g", "t", "l", "h", "s", "v", "w", "p", "in", "ms", "mo", "mi", "ah", "pb", "try", "sar", "ron", "kes"}
)
_BLANK = " \u00a0\u202f"


def _flat() -> dict[str, tuple[str, float, float]]:
    out: dict[str, tuple[str, float, float]] = {}
    for dimension, names in _TABLE.items():
        for written, amount in names.items():
            low, high = amount if isinstance(amount, tuple) else (amount, amount)
            for name in written.split():
                out[name.replace("_", " ")] = (dimension, low, high)
    return out


_UNITS = _flat()


def _pattern(name: str) -> str:
    end = r"(?!\w)" if name[-1].isalnum() else ""
    return re.escape(name).replace(r"\ ", f"[{_BLANK}]") + end


_NAMES = "|".join(map(_pattern, sorted(_UNITS, key=len, reverse=True)))
# Matched directly behind a number.
UNIT = re.compile(rf"(?P<gap>[{_BLANK}-]?)(?:full |whole |calendar |consecutive )?(?P<unit>{_NAMES})", re.IGNORECASE)
_FRONT = "|".join(
    re.escape(n)
    for n in sorted(
        (n for n, u in _UNITS.items() if u[0].startswith("money") and not n[-1].isalpha()), key=len, reverse=True
    )
)
_FRONT_WORDS = "|".join(
    n
    for n, u in _UNITS.items()
    if u[0].startswith("money") and n.isalpha() and n.isascii() and (len(n) == 3 or n in ("rs", "kr"))
)
# Searched directly before a number; it ends there.
BEFORE = re.compile(rf"(?P<unit>{_FRONT}|(?<![\w])(?:{_FRONT_WORDS})\.?)[{_BLANK}]?$", re.IGNORECASE)


def sized(name: str, number: float, *, apart: bool = False) -> tuple[str, float, float] | None:
    """The dimension and the lowest and highest amount in its base unit of ``number`` units; None where the name is no unit here.

    ``apart``: a blank stands between the number and the name, so that "5 in" and "7 s" are no units.
    """
    key = " ".join(name.casefold().rstrip(".").split())
    if key not in _UNITS:
        return None
    if apart and key in _GLUED and key not in ("m", "g", "h", "l", "s", "v", "w", "t", "min", "d"):
        return None
    dimension, low, high = _UNITS[key]
    if key == "mw" and name[0] == "m":
        low = high = 1e-3
    if dimension == "°F":
        celsius = (number - 32) * 5 / 9
        return "°C", celsius, celsius
    return dimension, number * low, number * high
