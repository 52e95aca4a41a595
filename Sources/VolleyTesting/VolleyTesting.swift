// The part of Volley that tests need, and nothing of sockets or of any testing framework. Whoever tests a transport
// needs the core's types too.
@_exported public import VolleyCore
