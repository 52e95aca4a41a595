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
        let isIPv6 = addressing == .ipv6
        if metadata.contains(.localAddress) {
            try setOption(ipLevel, isIPv6 ? IPV6_RECVPKTINFO : CInt(IP_PKTINFO), 1)
        }
        if metadata.contains(.trafficClass) {
            if isIPv6 { try setOption(CInt(IPPROTO_IPV6), IPV6_RECVTCLASS, 1) }
            try setOption(CInt(IPPROTO_IP), CInt(IP_RECVTOS), 1)
        }
        if metadata.contains(.hopLimit) {
            if isIPv6 { try setOption(CInt(IPPROTO_IPV6), IPV6_RECVHOPLIMIT, 1) }
            try setOption(CInt(IPPROTO_IP), CInt(IP_RECVTTL), 1)
        }
        if metadata.contains(.timestamp) { try setOption(SOL_SOCKET, CInt(VOLLEY_SO_TIMESTAMPNS), 1) }
        if metadata.contains(.drops) { try setOption(SOL_SOCKET, CInt(VOLLEY_SO_RXQ_OVFL), 1) }
    }

    private var ipLevel: CInt { addressing == .ipv6 ? CInt(IPPROTO_IPV6) : CInt(IPPROTO_IP) }

    /// Turns `UDP_GRO` on where it is wanted and can be used; returns whether trains are to be expected.
    ///
    /// A socket that somebody has turned it on for keeps it, whatever the options say: it may have trains in its queue.
    func receiveTrains(_ options: DatagramOptions, _ support: SegmentationSupport) throws(DatagramError) -> Bool {
        guard addressing != .unix else { return false }
        let option = CInt(VOLLEY_UDP_GRO)
        if System.getOption(descriptor, CInt(IPPROTO_UDP), option) == 1 { return true }
        // A train needs the largest slot.
        guard options.usesGRO, support.receivesTrains, options.slotSize >= 65_536 else { return false }
        try setOption(CInt(IPPROTO_UDP), option, 1)
        return true
    }

    /// Lets sends say when they are to leave (`SO_TXTIME`), by the monotonic clock.
    func setTransmitClock() throws(DatagramError) {
        guard volley_set_transmit_clock(descriptor, CLOCK_MONOTONIC) == 0 else {
            throw DatagramError(Errno(rawValue: errno), operation: .configure)
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
