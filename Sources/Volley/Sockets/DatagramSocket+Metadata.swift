internal import CVolley
internal import Glibc
internal import SystemPackage
internal import VolleyCore

/// The options that make the kernel write control messages.
extension DatagramSocket {
    /// Asks for `metadata` with each datagram.
    ///
    /// An IPv6 socket may receive by IPv4 as well, and then gets IPv4's messages, but for the local address, which comes
    /// as a mapped one.
    func receive(_ metadata: DatagramMetadata) throws(DatagramError) {
        let (ip, ipv6) = (CInt(IPPROTO_IP), CInt(IPPROTO_IPV6))
        let isIPv6 = addressing == .ipv6
        if metadata.contains(.localAddress) {
            if isIPv6 { try turnOn("IPV6_RECVPKTINFO", ipv6, IPV6_RECVPKTINFO) }
            if !isIPv6 { try turnOn("IP_PKTINFO", ip, CInt(IP_PKTINFO)) }
        }
        if metadata.contains(.trafficClass) {
            if isIPv6 { try turnOn("IPV6_RECVTCLASS", ipv6, IPV6_RECVTCLASS) }
            try turnOn("IP_RECVTOS", ip, CInt(IP_RECVTOS))
        }
        if metadata.contains(.hopLimit) {
            if isIPv6 { try turnOn("IPV6_RECVHOPLIMIT", ipv6, IPV6_RECVHOPLIMIT) }
            try turnOn("IP_RECVTTL", ip, CInt(IP_RECVTTL))
        }
        if metadata.contains(.timestamp) { try turnOn("SO_TIMESTAMPNS", SOL_SOCKET, CInt(VOLLEY_SO_TIMESTAMPNS)) }
        if metadata.contains(.drops) { try turnOn("SO_RXQ_OVFL", SOL_SOCKET, CInt(VOLLEY_SO_RXQ_OVFL)) }
    }

    /// Turns `UDP_GRO` on where it is wanted and can be used; returns whether trains are to be expected.
    ///
    /// A socket that somebody has turned it on for keeps it, whatever the options say: it may have trains in its queue.
    func receiveTrains(_ options: DatagramOptions, _ support: SegmentationSupport) throws(DatagramError) -> Bool {
        guard addressing != .unix else { return false }
        let option = CInt(VOLLEY_UDP_GRO)
        if System.getOption(descriptor, CInt(IPPROTO_UDP), option) == 1 { return true }
        // A train needs the largest slot.
        guard options.usesGRO, support.receivesTrains, options.slotSize >= 65_536 else { return false }
        try turnOn("UDP_GRO", CInt(IPPROTO_UDP), option)
        return true
    }

    /// Lets sends say when they are to leave (`SO_TXTIME`), by the monotonic clock.
    func setTransmitClock() throws(DatagramError) {
        guard volley_set_transmit_clock(descriptor, CLOCK_MONOTONIC) == 0 else {
            let option = DatagramError.Option("SO_TXTIME", value: "CLOCK_MONOTONIC", hint: nil)
            throw DatagramError(Errno(rawValue: errno), operation: .configure, option: option)
        }
    }
}

extension DatagramOptions {
    /// What to ask for on an endpoint like this: a reply from a wildcard bind needs the local address.
    func metadata(isWildcard: Bool, isConnected: Bool) -> DatagramMetadata {
        var metadata = metadata
        if isConnected { return metadata }
        if receivesLocalAddress ?? isWildcard { metadata.insert(.localAddress) }
        return metadata
    }
}
