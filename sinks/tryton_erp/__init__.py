"""The rooms behind `sinks/tryton.py`: the wire (`rpc`), one company's set-up (`books`), and one room per document.

Nothing here imports Tryton: it is spoken to over HTTP only.
"""
