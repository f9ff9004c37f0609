"""What layers do in inference, in plain NumPy: the functions that exported files consist of.

Each is written into the file as it stands here, together with what it calls. It may use `np`,
`math`, `itertools`, the names of types, functions of this package, constants of its own module.
"""
