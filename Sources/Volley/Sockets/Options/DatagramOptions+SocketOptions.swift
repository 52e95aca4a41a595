internal import CVolley
internal import Glibc
internal import VolleyCore

extension DatagramOptions {
    /// The numbers to set on a socket of such addresses, in order; `isDualStack` is for IPv6 sockets that speak IPv4 too.
    ///
    /// Interfaces and memberships are not among them: what they are set to is known only when they are looked up.
    func socketOptions(for addressing: SocketAddressing, isDualStack: Bool) -> [SocketOption] {
        var list = commonOptions()
        if addressing == .ipv6, let isOnly = isIPv6Only {
            list.append(SocketOption("IPV6_V6ONLY", Level.ipv6, IPV6_V6ONLY, isOnly ? 1 : 0))
        }
        if let mode = pathMTUDiscovery, addressing != .unix {
            list.append(SocketOption("IP_MTU_DISCOVER", Level.ipv4, IP_MTU_DISCOVER, mode.rawValue))
            if addressing == .ipv6 {
                list.append(SocketOption("IPV6_MTU_DISCOVER", Level.ipv6, IPV6_MTU_DISCOVER, mode.rawValue))
            }
        }
        if addressing == .ipv6 { list += ipv6Options() }
        // A Unix socket is given them as well, and refuses: what is asked for is never left undone in silence.
        if addressing != .ipv6 || isDualStack { list += ipv4Options() }
        list += deviceOptions()
        return list
    }

    private enum Level {
        static let ipv4 = CInt(IPPROTO_IP)
        static let ipv6 = CInt(IPPROTO_IPV6)
    }

    private func commonOptions() -> [SocketOption] {
        var list: [SocketOption] = []
        if let size = receiveBufferSize {
            list.append(SocketOption("SO_RCVBUF", SOL_SOCKET, SO_RCVBUF, CInt(clamping: size)))
            list[list.count - 1].scale = .buffer(sysctl: "net.core.rmem_max", force: SO_RCVBUFFORCE)
        }
        if let size = sendBufferSize {
            list.append(SocketOption("SO_SNDBUF", SOL_SOCKET, SO_SNDBUF, CInt(clamping: size)))
            list[list.count - 1].scale = .buffer(sysctl: "net.core.wmem_max", force: SO_SNDBUFFORCE)
        }
        if reusesPort { list.append(SocketOption("SO_REUSEPORT", SOL_SOCKET, SO_REUSEPORT, 1)) }
        if allowsBroadcast { list.append(SocketOption("SO_BROADCAST", SOL_SOCKET, SO_BROADCAST, 1)) }
        return list
    }

    private func ipv4Options() -> [SocketOption] {
        var list: [SocketOption] = []
        func add(_ name: String, _ number: CInt, _ value: CInt?) {
            if let value { list.append(SocketOption(name, Level.ipv4, number, value)) }
        }
        add("IP_TOS", IP_TOS, ip.trafficClass.map(CInt.init))
        add("IP_TTL", IP_TTL, ip.hopLimit.map(CInt.init))
        add("IP_FREEBIND", IP_FREEBIND, ip.bindsAnyAddress ? 1 : nil)
        add("IP_TRANSPARENT", IP_TRANSPARENT, ip.isTransparent ? 1 : nil)
        add("IP_MULTICAST_TTL", IP_MULTICAST_TTL, multicast.hopLimit.map(CInt.init))
        add("IP_MULTICAST_LOOP", IP_MULTICAST_LOOP, multicast.loopsBack.map { $0 ? 1 : 0 })
        if let all = multicastAll(isIPv6: false) { list.append(all) }
        return list
    }

    private func ipv6Options() -> [SocketOption] {
        var list: [SocketOption] = []
        func add(_ name: String, _ number: CInt, _ value: CInt?) {
            if let value { list.append(SocketOption(name, Level.ipv6, number, value)) }
        }
        add("IPV6_TCLASS", IPV6_TCLASS, ip.trafficClass.map(CInt.init))
        add("IPV6_UNICAST_HOPS", IPV6_UNICAST_HOPS, ip.hopLimit.map(CInt.init))
        add("IPV6_FREEBIND", IPV6_FREEBIND, ip.bindsAnyAddress ? 1 : nil)
        add("IPV6_TRANSPARENT", IPV6_TRANSPARENT, ip.isTransparent ? 1 : nil)
        add("IPV6_MULTICAST_HOPS", IPV6_MULTICAST_HOPS, multicast.hopLimit.map(CInt.init))
        add("IPV6_MULTICAST_LOOP", IPV6_MULTICAST_LOOP, multicast.loopsBack.map { $0 ? 1 : 0 })
        if let all = multicastAll(isIPv6: true) { list.append(all) }
        return list
    }

    private func multicastAll(isIPv6: Bool) -> SocketOption? {
        if let isOn = multicast.receivesUnjoinedGroups { return .multicastAll(isIPv6: isIPv6, isOn) }
        guard multicast.memberships.contains(where: { $0.group.isIPv6 == isIPv6 }) else { return nil }
        var option = SocketOption.multicastAll(isIPv6: isIPv6, false)
        option.isOptional = true
        return option
    }

    private func deviceOptions() -> [SocketOption] {
        var list: [SocketOption] = []
        if let duration = device.busyPoll {
            let (seconds, attoseconds) = duration.components
            let microseconds = Double(seconds) * 1e6 + Double(attoseconds) / 1e12
            let value = microseconds < Double(CInt.max) ? CInt(max(-1, microseconds)) : CInt.max
            list.append(SocketOption("SO_BUSY_POLL", SOL_SOCKET, SO_BUSY_POLL, value))
        }
        if device.prefersBusyPoll {
            list.append(SocketOption("SO_PREFER_BUSY_POLL", SOL_SOCKET, SO_PREFER_BUSY_POLL, 1))
        }
        // After IP_TOS, which changes it.
        if let priority = device.priority {
            list.append(SocketOption("SO_PRIORITY", SOL_SOCKET, SO_PRIORITY, CInt(bitPattern: priority)))
            list[list.count - 1].scale = .unsigned
        }
        if let mark = device.mark {
            list.append(SocketOption("SO_MARK", SOL_SOCKET, SO_MARK, CInt(bitPattern: mark)))
            list[list.count - 1].scale = .unsigned
        }
        return list
    }
}
