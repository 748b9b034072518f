"""Currencies of ISO 4217 (list one) and the digits that their amounts have after the point.

Funds codes, metals and test codes are left out: nobody is invoiced in them. Three that were withdrawn lately are in,
for corrections of the years in which they were money.
"""

from __future__ import annotations

_DIGITS = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    2: (
        "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE CHF CHW "
        "CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF "
        "IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK "
        "MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP "
        "SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST XCD XCG YER "
        "ZAR ZMW ZWG "
        "ANG BGN HRK"
    ),
    3: "BHD IQD JOD KWD LYD OMR TND",
    4: "CLF UYW",
}

CURRENCIES = {code: digits for digits, codes in _DIGITS.items() for code in codes.split()}
"""Alphabetic code -> digits after the point: `GBP` 2, `JPY` 0, `KWD` 3."""


def minor_units(currency: str) -> int:
    """Digits after the point of a currency's amounts; 2 for one that is not of the list."""
    return CURRENCIES.get(currency, 2)
