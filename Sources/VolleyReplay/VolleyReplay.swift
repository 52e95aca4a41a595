@_exported public import VolleyCore
