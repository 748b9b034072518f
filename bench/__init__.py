"""`python -m bench` (`make bench`): how fast the fabric is, beside what else could do the same work.

Every figure that is compared is a ratio of medians of runs that alternated on the same machine. `work` is what all
peers do with one record, `peers/` has one program per peer, `results` says how figures become ratios. Not part of the
distribution; imports the fabric like any user of it.
"""
