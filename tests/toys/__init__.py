"""One of everything that the house has a table for, as a stranger would add it: see tests/test_one_row.py.

  kind.py       settings of a GAN, as numbers        stage.py     what trains and draws it
  segmenter.py  a network with a critic              reader.py    colour pictures, half without a spot
  rows.py       a method, a division, a metric, and the rows of all tables
"""
