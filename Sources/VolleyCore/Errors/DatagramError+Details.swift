internal import SystemPackage

extension DatagramError {
    /// The path MTU that a datagram was too large for (`EMSGSIZE`), in bytes of the IP packet; `nil` when unknown.
    ///
    /// From an ICMP "fragmentation needed" (RFC 1191), an ICMPv6 "packet too big" (RFC 4443), or what this host knows of
    /// the path. Subtract 28 for IPv4 without options, 48 for IPv6, and the largest payload remains.
    public var mtu: Int? {
        errno == .messageTooLong && info > 0 ? Int(info) : nil
    }

    /// Where in the packet the peer or a router saw the problem of an ICMP or ICMPv6 "parameter problem", in bytes from
    /// the beginning of the IP header; `nil` for any other error.
    public var pointer: UInt32? {
        guard let icmp = origin.icmp, let address = (icmp.offender ?? peer?.ip)?.unmapped else { return nil }
        return icmp.type == (address.isIPv6 ? 4 : 12) ? info : nil
    }

    /// The most bytes of a failed datagram an error quotes.
    package static var quotedMax: Int { 512 }
}
