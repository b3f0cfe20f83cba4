"""Checked quantities: money in minor units, thousandths, points. Integers all, never floats."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

# Beyond 2**53 - 1 a JSON reader in another language would round in silence.
INTEGER_MAX = 2**53 - 1

# A hundred thousand million in most currencies; see domain/touchpoints/checking.py for the sums.
AMOUNT_MAX = 10**13
# A thousand million units, or a million million points.
QUANTITY_MAX = 10**12

MinorUnits = Annotated[
    int,
    Meta(ge=-AMOUNT_MAX, le=AMOUNT_MAX, description="Money in minor units of its currency."),
]
Amount = Annotated[
    int,
    Meta(ge=0, le=AMOUNT_MAX, description="Money in minor units of its currency, not negative."),
]
Thousandths = Annotated[
    int, Meta(ge=0, le=QUANTITY_MAX, description="A quantity in thousandths of its unit.")
]
Points = Annotated[
    int, Meta(ge=1, le=QUANTITY_MAX, description="Points of a loyalty currency, at least one.")
]
PointsDifference = Annotated[
    int, Meta(ge=-QUANTITY_MAX, le=QUANTITY_MAX, description="Points gained (+) or lost (-).")
]

Currency = Annotated[
    str,
    Meta(
        min_length=3,
        max_length=3,
        description="An ISO 4217 currency code.",
        extra_json_schema={"pattern": "^[A-Z]{3}$"},
        examples=["EUR"],
    ),
]

# Checked when a touchpoint arrives and no part of its type, for the list changes with the years
# and a released type never does.
CURRENCIES = frozenset(
    """
    AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BHD BIF BMD BND BOB BRL BSD BTN BWP BYN
    BZD CAD CDF CHF CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP
    GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS
    KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR
    MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD
    RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP
    TRY TTD TWD TZS UAH UGX USD UYU UZS VED VES VND VUV WST XAF XCD XCG XOF XPF YER ZAR ZMW
    ZWG
    """.split()  # noqa: SIM905 - a list of 155 quoted words is harder to read
)
