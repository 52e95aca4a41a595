// Whoever replays a capture reads a report in the terms of these three.
@_exported public import VolleyCapture
@_exported public import VolleyCore
@_exported public import VolleyWire
