internal import CVolley
internal import Glibc
internal import SystemPackage
internal import VolleyCore

extension StreamSocket {
    /// Sets what connections have; a listening socket hands it on to those it accepts.
    func apply(_ options: StreamOptions) throws(StreamError) {
        for option in try options.socketOptions(isTCP: addressing != .unix) { try set(option) }
    }

    /// Sets what a listening socket has, and what its connections inherit.
    func apply(_ options: ServerOptions) throws(StreamError) {
        if addressing != .unix {
            if options.reusesAddress { try set(SocketOption("SO_REUSEADDR", SOL_SOCKET, SO_REUSEADDR, 1)) }
            if options.reusesPort { try set(SocketOption("SO_REUSEPORT", SOL_SOCKET, SO_REUSEPORT, 1)) }
        }
        if addressing == .ipv6, let isIPv6Only = options.isIPv6Only {
            try set(SocketOption("IPV6_V6ONLY", CInt(IPPROTO_IPV6), IPV6_V6ONLY, isIPv6Only ? 1 : 0))
        }
        try apply(options.stream)
    }

    private func set(_ option: SocketOption) throws(StreamError) {
        try OptionSetter(descriptor: descriptor, syscalls: syscalls).set(option)
    }
}

extension StreamOptions {
    /// The options there are to set.
    ///
    /// - Throws: `EINVAL` for a number out of range.
    func socketOptions(isTCP: Bool) throws(StreamError) -> [SocketOption] {
        var list: [SocketOption] = []
        if let size = receiveBufferSize {
            list.append(SocketOption("SO_RCVBUF", SOL_SOCKET, SO_RCVBUF, try Self.number("receiveBufferSize", size)))
        }
        if let size = sendBufferSize {
            list.append(SocketOption("SO_SNDBUF", SOL_SOCKET, SO_SNDBUF, try Self.number("sendBufferSize", size)))
        }
        guard isTCP else { return list }
        let tcp = CInt(IPPROTO_TCP)
        if sendsWithoutDelay { list.append(SocketOption("TCP_NODELAY", tcp, CInt(VOLLEY_TCP_NODELAY), 1)) }
        if let keepalive {
            list.append(SocketOption("SO_KEEPALIVE", SOL_SOCKET, SO_KEEPALIVE, 1))
            for (name, number, value) in [
                ("TCP_KEEPIDLE", VOLLEY_TCP_KEEPIDLE, keepalive.idle.map(Self.seconds)),
                ("TCP_KEEPINTVL", VOLLEY_TCP_KEEPINTVL, keepalive.interval.map(Self.seconds)),
                ("TCP_KEEPCNT", VOLLEY_TCP_KEEPCNT, keepalive.count),
            ] {
                guard let value else { continue }
                list.append(SocketOption(name, tcp, CInt(number), try Self.number(name, value)))
            }
        }
        if let acknowledgementTimeout {
            let milliseconds = Int(clamping: acknowledgementTimeout.wholeNanoseconds / 1_000_000)
            let value = try Self.number("acknowledgementTimeout", milliseconds)
            list.append(SocketOption("TCP_USER_TIMEOUT", tcp, CInt(VOLLEY_TCP_USER_TIMEOUT), value))
        }
        return list
    }

    private static func seconds(_ duration: Duration) -> Int { Int(clamping: duration.components.seconds) }

    private static func number(_ name: String, _ value: Int) throws(StreamError) -> CInt {
        guard let number = CInt(exactly: value), number > 0 else {
            throw StreamError(
                .invalidArgument, operation: .configure,
                option: StreamError.Option(name, value: "\(value)", hint: "it has to be 1 to \(CInt.max)"))
        }
        return number
    }
}

extension ServerOptions {
    /// - Throws: `EINVAL` for a number out of range.
    func check() throws(StreamError) {
        for (name, value) in [
            ("backlog", backlog), ("connectionsMax", connectionsMax), ("acceptsPerTurn", acceptsPerTurn),
        ] where value < 1 {
            throw StreamError(
                .invalidArgument, operation: .configure,
                option: StreamError.Option(name, value: "\(value)", hint: "it has to be at least 1"))
        }
    }
}
