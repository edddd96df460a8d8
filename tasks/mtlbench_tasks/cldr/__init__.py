"""Suites made of the Unicode CLDR's own words in 26 languages, which need no download: NER, QA and NLI.

Names, dates, quantities and list patterns come from Babel's copy of the CLDR; see docs/cldr.md.
"""
