"""Corpus readers, one file each: decoding of file names, classes, speakers and published counts.

In: the folder of a corpus. Out: its utterances in the published order.
"""
