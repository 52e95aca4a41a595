public import SystemPackage

/// A failure of a datagram endpoint or a stream (``StreamError``), with the errno the kernel gave and everything known about whose it is.
public struct DatagramError: Error, Hashable, Sendable {
    /// The error number.
    public let errno: Errno
    /// What was being done when it turned up.
    public let operation: Operation
    /// Where it comes from.
    public let origin: Origin
    /// The peer the failed datagram was for, where that is known.
    public let peer: SocketAddress?
    /// The Unix peer the failed datagram was for, where that is known.
    public let unixPeer: UnixAddress?
    /// The socket option that could not be set, of an error of ``Operation/configure``.
    public let option: Option?
    /// What the report adds to the errno, as the kernel gives it (`ee_info`); 0 when it adds nothing.
    ///
    /// See ``mtu`` and ``pointer`` for what it means.
    public let info: UInt32
    /// The first bytes of the payload of the datagram that failed: at most 512, none when unknown.
    ///
    /// An ICMP message quotes as much as its sender likes; RFC 792 demands no payload at all, RFC 1812 and RFC 4443 as
    /// much as fits.
    public let quoted: [UInt8]
    /// What the errno alone does not say, in a few words: the name that was not found, say; `nil` when it says enough.
    public let context: String?

    /// An error from its parts.
    public init(
        _ errno: Errno, operation: Operation, origin: Origin = .local, peer: SocketAddress? = nil,
        unixPeer: UnixAddress? = nil, info: UInt32 = 0, quoted: [UInt8] = [], option: Option? = nil,
        context: String? = nil
    ) {
        self.errno = errno
        self.operation = operation
        self.origin = origin
        self.peer = peer
        self.unixPeer = unixPeer
        self.option = option
        self.info = info
        self.quoted = quoted
        self.context = context
    }

    /// The kind of failure, named as Python names its `OSError` subclasses where it has one.
    public var kind: Kind {
        operation == .resolve && errno == .noSuchFileOrDirectory ? .nameNotFound : Kind(errno)
    }
}

extension DatagramError {
    /// What an endpoint or stream was doing when an error turned up; for an entry of the error queue, the send that failed.
    public struct Operation: Hashable, Sendable, CustomStringConvertible {
        private enum Value: String { case create, bind, connect, configure, receive, send, listen, accept, resolve }
        private let value: Value

        /// Making the socket (`socket`).
        public static let create = Operation(value: .create)
        /// Binding it to a local address (`bind`).
        public static let bind = Operation(value: .bind)
        /// Connecting it to a peer (`connect`).
        public static let connect = Operation(value: .connect)
        /// Setting or reading an option (`setsockopt`, `getsockopt`, `fcntl`).
        public static let configure = Operation(value: .configure)
        /// Receiving (`recvmmsg`, `recv`, `read`).
        public static let receive = Operation(value: .receive)
        /// Sending (`sendmmsg`, `sendmsg`, `writev`, `shutdown`).
        public static let send = Operation(value: .send)
        /// Listening for connections (`listen`).
        public static let listen = Operation(value: .listen)
        /// Accepting a connection (`accept4`).
        public static let accept = Operation(value: .accept)
        /// Finding the addresses of a name (`getaddrinfo`).
        public static let resolve = Operation(value: .resolve)

        /// The operation in one word: `send`.
        public var description: String { value.rawValue }
    }

    /// Where an error comes from.
    public struct Origin: Hashable, Sendable, CustomStringConvertible {
        private enum Value: Hashable { case local, network, icmp(type: UInt8, code: UInt8, offender: IPAddress?) }
        private let value: Value

        /// This host refused the operation; the datagram it names was not sent.
        public static let local = Origin(value: .local)
        /// The network reported an earlier datagram's failure (a pending `SO_ERROR`); no datagram was lost by the report.
        public static let network = Origin(value: .network)
        /// An ICMP or ICMPv6 message of which type, code and sender are known.
        public static func icmp(type: UInt8, code: UInt8, offender: IPAddress? = nil) -> Origin {
            Origin(value: .icmp(type: type, code: code, offender: offender))
        }

        /// Where in a word or two: `local`, `network`, `ICMP type 3 code 1 from 192.0.2.1`.
        public var description: String {
            switch value {
            case .local: "local"
            case .network: "network"
            case .icmp(let type, let code, let offender):
                "ICMP type \(type) code \(code)" + (offender.map { " from \($0)" } ?? "")
            }
        }

        /// Type, code and sender of the ICMP message, where they are known.
        public var icmp: (type: UInt8, code: UInt8, offender: IPAddress?)? {
            guard case .icmp(let type, let code, let offender) = value else { return nil }
            return (type, code, offender)
        }
    }
}

extension DatagramError: CustomStringConvertible {
    /// One line: operation, peer or option, errno text and origin, what came with it, and what to do where that is
    /// known.
    public var description: String {
        var text = "\(operation)"
        let preposition = operation == .receive && origin == .local ? "from" : operation == .listen ? "on" : "to"
        if let peer { text += " \(preposition) \(peer)" } else if let unixPeer { text += " \(preposition) \(unixPeer)" }
        if let option { text += ": set \(option)" }
        text += ": \(errno) (errno \(errno.rawValue))"
        if let hint = option?.hint { text += "; \(hint)" }
        if let context { text += "; \(context)" }
        if origin.icmp != nil {
            text += ", \(origin)"
        } else if origin == .network {
            text += ", reported by the network for an earlier datagram"
        }
        if let mtu { text += ", path MTU \(mtu)" }
        if let pointer { text += ", at byte \(pointer)" }
        return text
    }
}
