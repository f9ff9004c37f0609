"""What layers do in inference, in plain NumPy: the functions that exported files consist of.

Each is written into the file as it stands here, together with what it calls. It may use `np`,
`math`, `Array`, `Any`, `Callable`, and functions and constants of its own module.
"""
