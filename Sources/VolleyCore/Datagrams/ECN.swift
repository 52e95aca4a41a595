/// The congestion mark of a datagram (RFC 3168 section 5): the two low bits of IPv4's TOS and IPv6's traffic class.
public enum ECN: UInt8, Hashable, Sendable {
    /// The sender does not take part.
    case notCapable = 0
    /// ECT(1), which L4S senders use (RFC 9331).
    case capable1 = 1
    /// ECT(0): the sender takes part.
    case capable0 = 2
    /// CE: something on the way was congested.
    case congestionExperienced = 3
}
