internal import CVolley
internal import Glibc
internal import SystemPackage
internal import VolleyCore

/// The options that change what a receive brings: control messages, trains, and the error queue.
///
/// They are the socket's and not the descriptor's. A socket that is still another process's to read, before it changes
/// hands, keeps that process's until then.
struct ReceiveSwitches {
    let addressing: SocketAddressing
    /// What each received datagram brings beside its bytes; empty for Unix endpoints.
    let metadata: DatagramMetadata
    let receivesTrains: Bool
    let wantsErrors: Bool
    let sendsAtTransmitTime: Bool

    init(
        _ socket: borrowing DatagramSocket, _ options: DatagramOptions, _ names: EndpointNames,
        _ support: SegmentationSupport
    ) {
        addressing = socket.addressing
        let isUnix = socket.addressing == .unix
        let isWildcard = names.local?.ip.unmapped.isUnspecified ?? false
        var metadata = options.metadata
        // What is sent to a wildcard bind can only be answered from the right address if that is known.
        if !names.isConnected, options.receivesLocalAddress ?? isWildcard { metadata.insert(.localAddress) }
        self.metadata = isUnix ? [] : metadata
        // A socket that has it on keeps it, whatever the options say: it may have trains in its queue. And a train needs
        // the largest slot.
        let hasTrains = System.getOption(socket.descriptor, CInt(IPPROTO_UDP), CInt(VOLLEY_UDP_GRO)) == 1
        let canHaveTrains = options.usesGRO && support.receivesTrains && options.slotSize >= 65_536
        receivesTrains = !isUnix && (hasTrains || canHaveTrains)
        wantsErrors = !isUnix && options.receivesErrors.applies(whenConnected: names.isConnected)
        sendsAtTransmitTime = !isUnix && options.sendsAtTransmitTime
    }

    /// Bytes of control area that all this takes at most.
    ///
    /// With trains there is room for more: whoever had an adopted socket before may have asked for other things, the
    /// kernel writes some of them first, and a train whose segment size did not fit would pass for one datagram.
    var controlSize: Int {
        receivesTrains ? metadata.controlSize + Int(VOLLEY_GRO_SPACE) + Self.foreignControlSize : metadata.controlSize
    }
    private static let foreignControlSize = 256

    /// Sets them on the socket; off, only where somebody else had turned one on.
    ///
    /// An IPv6 socket may receive by IPv4 as well, and then gets IPv4's messages, but for the local address, which comes
    /// as a mapped one. Its errors of IPv4 obey IPv4's option.
    func apply(to descriptor: CInt, syscalls: Syscalls) throws(DatagramError) {
        guard addressing != .unix else { return }
        let setter = OptionSetter(descriptor: descriptor, syscalls: syscalls)
        for (isWanted, option) in options
        where isWanted || System.getOption(descriptor, option.level, option.number) == 1 {
            try setter.set(SocketOption(option.name, option.level, option.number, isWanted ? 1 : 0))
        }
        if sendsAtTransmitTime { try setter.setTransmitClock() }
    }

    private var options: [(isWanted: Bool, option: SocketOption)] {
        let (ip, ipv6, socket) = (CInt(IPPROTO_IP), CInt(IPPROTO_IPV6), SOL_SOCKET)
        var list = [
            (metadata.contains(.trafficClass), SocketOption("IP_RECVTOS", ip, CInt(IP_RECVTOS), 1)),
            (metadata.contains(.hopLimit), SocketOption("IP_RECVTTL", ip, CInt(IP_RECVTTL), 1)),
            (metadata.contains(.timestamp), SocketOption("SO_TIMESTAMPNS", socket, CInt(VOLLEY_SO_TIMESTAMPNS), 1)),
            (metadata.contains(.drops), SocketOption("SO_RXQ_OVFL", socket, CInt(VOLLEY_SO_RXQ_OVFL), 1)),
            (receivesTrains, SocketOption("UDP_GRO", CInt(IPPROTO_UDP), CInt(VOLLEY_UDP_GRO), 1)),
            (wantsErrors, SocketOption("IP_RECVERR", ip, CInt(IP_RECVERR), 1)),
        ]
        guard addressing == .ipv6 else {
            list.append((metadata.contains(.localAddress), SocketOption("IP_PKTINFO", ip, CInt(IP_PKTINFO), 1)))
            return list
        }
        list += [
            (metadata.contains(.localAddress), SocketOption("IPV6_RECVPKTINFO", ipv6, IPV6_RECVPKTINFO, 1)),
            (metadata.contains(.trafficClass), SocketOption("IPV6_RECVTCLASS", ipv6, IPV6_RECVTCLASS, 1)),
            (metadata.contains(.hopLimit), SocketOption("IPV6_RECVHOPLIMIT", ipv6, IPV6_RECVHOPLIMIT, 1)),
            (wantsErrors, SocketOption("IPV6_RECVERR", ipv6, IPV6_RECVERR, 1)),
        ]
        return list
    }
}

extension OptionSetter {
    /// Lets sends say when they are to leave (`SO_TXTIME`), by the monotonic clock.
    fileprivate func setTransmitClock() throws(DatagramError) {
        guard volley_set_transmit_clock(descriptor, CLOCK_MONOTONIC) != 0 else { return }
        let option = DatagramError.Option("SO_TXTIME", value: "CLOCK_MONOTONIC", hint: nil)
        throw DatagramError(Errno(rawValue: errno), operation: .configure, option: option)
    }
}
