"""Defects of hospitals' sources, planted into clean tables: ``events`` of profile adt, ``hours`` of hourly.

``shape`` has those of the tables themselves, ``trusting`` what one reads who trusts every row.
"""
