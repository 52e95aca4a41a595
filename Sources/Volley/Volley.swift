// The umbrella of the live world: whoever writes a service needs the core's types.
@_exported public import VolleyCore
