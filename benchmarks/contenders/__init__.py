"""Who is compared: one file each, run in an interpreter of its own.

``job`` says what is done, ``panel`` on what data, ``recorder`` how it is timed. Their imports are light, so
that a contender that lives in an environment of its own can use them too.
"""
