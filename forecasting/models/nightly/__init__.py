"""The ensemble that speaks at night: one version of it is its members' files and what past origins taught.

Nothing is imported from here before it is used: torch and LightGBM take seconds to load.
"""
